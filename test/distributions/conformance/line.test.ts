import { lineCases } from "../registry/line.ts";
import { conformance } from "./conformance.ts";

conformance(lineCases);
