import { vectorCases } from "../registry/vector.ts";
import { conformance } from "./conformance.ts";

conformance(vectorCases);
