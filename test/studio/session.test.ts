import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BusyError, CheckpointError } from "../../src/errors.ts";
import { TrainedClassifier } from "../../src/kinds/index.ts";
import { open } from "../../src/runs/index.ts";
import { loadRows } from "../../src/studio/rows.ts";
import { studioApp } from "../../src/studio/server.ts";
import { openSession, type Session } from "../../src/studio/session.ts";
import { kindOf, kinds, writeBlobs } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "tightbound-session-"));
const data = join(folder, "blobs.csv");
const options = {
  source: { spec: data, id: "item" },
  folder: join(folder, "session"),
  epochs: 30,
  here: true,
};
const token = "a-token";
let session: Session;

beforeAll(async () => {
  writeBlobs(data, 120);
  session = await openSession(options);
});
afterAll(() => {
  session.close();
  rmSync(folder, { recursive: true });
});

const app = () => studioApp(session, { token, hosts: () => ["127.0.0.1:80"], pause: 1e8 });
const ask = (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
  app().request(path, {
    ...init,
    headers: { host: "127.0.0.1:80", cookie: `tightbound-studio=${token}`, ...init.headers },
  });
const post = (event: object, headers: Record<string, string> = {}) =>
  ask("/api/events", {
    method: "POST",
    body: JSON.stringify(event),
    headers: { "content-type": "application/json", ...headers },
  });

test("who may not ask is refused: no token, a wrong one, another host, another origin, a form", async () => {
  expect((await ask("/api/state")).status).toBe(200);
  expect((await ask("/api/state", { headers: { cookie: "" } })).status).toBe(401);
  expect((await ask("/api/state", { headers: { cookie: "tightbound-studio=b-token" } })).status).toBe(401);
  expect((await ask("/?token=b-token", { headers: { cookie: "" } })).status).toBe(401);
  expect((await ask("/api/state", { headers: { host: "evil.example" } })).status).toBe(403);
  expect((await ask(`/?token=${token}`, { headers: { host: "evil.example", cookie: "" } })).status).toBe(403);
  expect((await ask("/api/state", { headers: { origin: "http://evil.example" } })).status).toBe(403);
  expect((await ask("/api/state", { headers: { origin: "null" } })).status).toBe(403);
  const event = { type: "class", name: "forged" };
  expect((await post(event, { origin: "http://evil.example" })).status).toBe(403);
  expect((await post(event, { "content-type": "text/plain" })).status).toBe(415);
  expect(session.state.classes).toEqual([]);
});

test("the link gives a cookie that scripts and other sites do not get", async () => {
  const answer = await ask(`/?token=${token}`, { headers: { cookie: "" } });
  expect(answer.status).toBe(302);
  expect(answer.headers.get("location")).toBe("/");
  expect(answer.headers.get("set-cookie")).toMatch(/HttpOnly.*SameSite=Strict/);
  const shown = await ask("/");
  expect(shown.headers.get("content-security-policy")).toContain("default-src 'none'");
});

test.each([
  "/assets/..%2f..%2fpackage.json",
  "/assets/%2e%2e/%2e%2e/package.json",
  "/assets/constructor",
  "/api/rows/..%2f..%2fetc%2fpasswd",
  "/api/rows/-1",
  "/api/rows/120",
  "/api/rows/1e1",
  "/api/rows/0/image",
  "/etc/passwd",
])("no path leads out of the data: %s", async (path) => {
  expect([400, 404]).toContain((await ask(path)).status);
});

test.each([
  { type: "label", rows: [0], class: 9, by: "queue" },
  { type: "label", rows: [500], class: 0, by: "queue" },
  { type: "label", rows: [], class: 0, by: "queue" },
  { type: "label", rows: [0.5], class: 0, by: "queue" },
  { type: "aside", row: 500, why: "skip" },
  { type: "undo" },
  { type: "erase" },
  { type: "class", name: "" },
])("a message that cannot be is refused and not written: %j", async (event) => {
  const before = readFileSync(join(options.folder, "labels.jsonl"), "utf8");
  expect((await post(event)).status).toBe(400);
  expect(readFileSync(join(options.folder, "labels.jsonl"), "utf8")).toBe(before);
});

/** Labels `count` rows as the queue asks for them. */
const answer = (count: number) => {
  for (let i = 0; i < count; i++) {
    const asked = session.next();
    if (asked === undefined) throw new Error("the queue is empty");
    session.record({ type: "label", rows: [asked.row], class: kindOf(asked.row), by: asked.by });
  }
};

test("30 labels by the queue, an undo, a restart, more labels; then labels, predictions and a run", async () => {
  for (const name of kinds) session.record({ type: "class", name });
  answer(16);
  const { row } = session.next() ?? {};
  answer(1);
  session.record({ type: "undo" });
  expect(session.next()?.row).toBe(row);
  await session.learn();
  expect(session.learnt?.classes).toEqual(kinds);
  const before = session.state;
  session.close();
  // A new process would find the same.
  session = await openSession(options);
  expect([...session.state.labels]).toEqual([...before.labels]);
  answer(14);
  await session.learn();
  expect(session.state.labels.size).toBe(30);
  const checks = [...session.state.labels.values()].filter(({ by }) => by === "check").length;
  expect(checks).toBeGreaterThanOrEqual(6);
  // Clusters eight standard deviations apart.
  expect(session.error()).toMatchObject({ wrong: 0, rows: checks });
  const answered = await ask("/api/results", { method: "POST" });
  const { files } = (await answered.json()) as { files: string[] };
  expect(files).toHaveLength(4);
  const labels = readFileSync(files[0], "utf8").trim().split("\n");
  expect(labels[0]).toBe("item,class,by");
  expect(labels).toHaveLength(31);
  for (const line of labels.slice(1)) {
    const [name, kind] = line.split(",");
    expect(kind).toBe(kinds[kindOf(Number(name.replace("item ", "")))]);
  }
  const predictions = readFileSync(files[1], "utf8").trim().split("\n");
  expect(predictions[0]).toBe("item,class,p(red),p(green),p(blue)");
  const wrong = predictions.slice(1).filter((line, i) => line.split(",")[1] !== kinds[kindOf(i)]);
  expect(wrong).toEqual([]);
  const classifier = await open(files[3], TrainedClassifier);
  expect(classifier.classes).toEqual(kinds);
});

test("one process has a session; its folder is not another's, nor damaged", async () => {
  await expect(openSession(options)).rejects.toThrow(BusyError);
  const mine = join(folder, "mine");
  (await openSession({ ...options, folder: mine })).close();
  await expect(openSession({ ...options, folder: mine, source: { spec: data } })).rejects.toThrow(
    /session\.json: expected a session on .*blobs\.csv \(120 rows\)/,
  );
  for (const content of ["", "{", "null", "[]", "{}", '"x"']) {
    writeFileSync(join(mine, "session.json"), content);
    await expect(openSession({ ...options, folder: mine })).rejects.toThrow(CheckpointError);
  }
  // A refusal leaves no lock behind.
  rmSync(join(mine, "session.json"));
  (await openSession({ ...options, folder: mine })).close();
});

test("hidden labels leave the names of the classes", async () => {
  const labelled = join(folder, "labelled.csv");
  writeFileSync(labelled, "a,kind\n1.5,x\n2.5,y\n3.25,x\n");
  const source = { spec: labelled, labelColumn: "kind" };
  expect([...(await loadRows(source)).given]).toEqual([0, 1, 0]);
  const { given, classes, rows } = await loadRows({ ...source, hideLabels: true });
  expect([...given]).toEqual([-1, -1, -1]);
  expect(classes).toEqual(["x", "y"]);
  expect(rows.shape).toEqual([1]);
});

test("a session of other data is refused", async () => {
  const other = join(folder, "other.csv");
  writeBlobs(other, 90);
  const closed = join(folder, "closed");
  (await openSession({ ...options, folder: closed })).close();
  await expect(
    openSession({ ...options, folder: closed, source: { spec: other, id: "item" } }),
  ).rejects.toThrow(/expected a session on/);
});
