import { countCases } from "../registry/counts.ts";
import { conformance } from "./conformance.ts";

conformance(countCases);
