import { moreCases } from "../registry/more.ts";
import { conformance } from "./conformance.ts";

conformance(moreCases);
