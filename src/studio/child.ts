/** The process that trains for a session. It ends with the process that started it. */
import { flushSubnormals } from "../compile/index.ts";
import { type ChildAnswer, type ChildQuestion, STOP, type TeacherSource, teacherHere } from "./teacher.ts";

flushSubnormals();
const teacher = teacherHere(JSON.parse(process.argv[2]) as TeacherSource);
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
