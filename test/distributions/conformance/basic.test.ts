import { basicCases } from "../registry/index.ts";
import { conformance } from "./conformance.ts";

conformance(basicCases);
