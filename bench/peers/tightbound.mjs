// Tightbound's own train step.
import { decline } from "../lib/serve.mjs";

decline("the library does not train a VAE yet; this file is where its step goes");
