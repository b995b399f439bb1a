import { positiveCases } from "../registry/positive.ts";
import { conformance } from "./conformance.ts";

conformance(positiveCases);
