// Ours, through the public API, built: the step that `tightbound train vae` runs.
import { adam, compileStep, loadData, permutation, rowsOf, VAE } from "../../dist/index.js";
import { serve } from "../lib/serve.mjs";
import { BATCH } from "../lib/vae.mjs";
import { packageVersion } from "../lib/version.mjs";
