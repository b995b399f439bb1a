/** The page of the tests of a graphics processor. */
import * as programs from "./device-programs.ts";

Object.assign(globalThis, { run: programs });
