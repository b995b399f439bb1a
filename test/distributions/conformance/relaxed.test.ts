import { relaxedCases } from "../registry/relaxed.ts";
import { conformance } from "./conformance.ts";

conformance(relaxedCases);
