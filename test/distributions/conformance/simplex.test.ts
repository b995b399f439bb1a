import { simplexCases } from "../registry/simplex.ts";
import { conformance } from "./conformance.ts";

conformance(simplexCases);
