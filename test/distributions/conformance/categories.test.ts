import { categoryCases } from "../registry/categories.ts";
import { conformance } from "./conformance.ts";

conformance(categoryCases);
