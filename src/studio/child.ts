/** The process that trains for a session. It gives way to the page and its server, and ends with the process that started it. */
import { availableParallelism, constants, setPriority } from "node:os";
import { flushSubnormals } from "../compile/index.ts";
import { type ChildAnswer, type ChildQuestion, STOP, type TeacherSource, teacherHere } from "./teacher.ts";

flushSubnormals();
try {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Some systems do not let a process choose; it then shares the processor as others do.
}
// A core is left to the page: its next row would wait for a lesson on all of them.
const threads = Math.max(1, availableParallelism() - 1);
const teacher = teacherHere({ ...(JSON.parse(process.argv[2]) as TeacherSource), threads });
const answer = (message: ChildAnswer): void => {
  process.send?.(message);
};

async function answerTo(question: ChildQuestion) {
  const { learn, explain, bounds } = await teacher;
  const { id } = question;
  if ("lesson" in question) return learn(question.lesson, (progress) => answer({ id, progress }));
  return "row" in question ? explain(question.row) : bounds();
}

process.on("message", async (question: ChildQuestion | typeof STOP) => {
  if (question === STOP) {
    (await teacher).stop();
    return;
  }
  const { id } = question;
  try {
    answer({ id, answer: await answerTo(question) });
  } catch (error) {
    answer({ id, failed: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
