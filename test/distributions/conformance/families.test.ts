import { familyCases } from "../registry/families.ts";
import { conformance } from "./conformance.ts";

conformance(familyCases);
