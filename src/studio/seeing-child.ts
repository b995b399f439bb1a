/** The process that trains M1 for a session. It gives way to labelling and to lessons, and ends with the process that started it. */
import { constants, setPriority } from "node:os";
import { flushSubnormals } from "../compile/index.ts";
import { type SeeingMessage, type SeeingSource, trainM1 } from "./seeing.ts";

const tell = (message: SeeingMessage, then?: () => void): void => {
  process.send?.(message, undefined, undefined, then);
};
const end = (): never => process.exit(0);

flushSubnormals();
process.on("disconnect", end);
try {
  setPriority(constants.priority.PRIORITY_LOW);
} catch {
  // Some systems do not let a process choose; it then shares the processor as others do.
}
try {
  await trainM1(JSON.parse(process.argv[2]) as SeeingSource, (progress) => tell(progress));
  tell({ done: true }, end);
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) }, end);
}
