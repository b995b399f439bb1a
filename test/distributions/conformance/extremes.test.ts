import { extremeCases } from "../registry/extremes.ts";
import { conformance } from "./conformance.ts";

conformance(extremeCases);
