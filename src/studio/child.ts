/** The process that trains for a session. It ends with the process that started it. */
import type { Lesson } from "./learner.ts";
import { type ChildAnswer, type TeacherSource, teacherHere } from "./teacher.ts";

const teacher = teacherHere(JSON.parse(process.argv[2]) as TeacherSource);
const answer = (message: ChildAnswer): void => {
  process.send?.(message);
};
process.on("message", async (lesson: Lesson) => {
  try {
    answer({ learnt: await (await teacher).learn(lesson) });
  } catch (error) {
    answer({ failed: error instanceof Error ? error.message : String(error) });
  }
});
process.on("disconnect", () => process.exit(0));
