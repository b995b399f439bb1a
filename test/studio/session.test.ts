import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { BusyError, CheckpointError } from "../../src/errors.ts";
import { TrainedClassifier } from "../../src/kinds/index.ts";
import { VAE } from "../../src/models/index.ts";
import { open, train } from "../../src/runs/index.ts";
import { openSession } from "../../src/studio/opening.ts";
import { loadRows } from "../../src/studio/rows.ts";
import { studioApp } from "../../src/studio/server.ts";
import type { Session } from "../../src/studio/session.ts";
import { bytesOf, npyBytes } from "../data/temp.ts";
import { bars } from "../runs/toys.ts";
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
  for (const path of ["/api/results", "/api/settings"])
    expect((await ask(path, { method: "POST", body: "{}" })).status).toBe(415);
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
  expect(session.delivered?.error).toMatchObject({ wrong: 0, rows: checks });
  const answered = await ask("/api/results", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
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

test("a thorough lesson makes the passes of a run, from scratch; a label or the person ends it", async () => {
  const lesson = (thorough: boolean) =>
    ask("/api/lesson", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ thorough }),
    });
  const short = session.learnt;
  const seen: string[] = [];
  const stop = session.listen(() => {
    const { thorough } = session.activity;
    if (thorough !== undefined) seen.push(`${thorough.epoch} of ${thorough.epochs}`);
  });
  expect((await lesson(true)).status).toBe(200);
  await session.learn();
  // 30 passes were given for a session's lessons; a run of M2 on a table makes 100.
  expect(session.learnt?.epochs).toBe(100);
  expect(seen[0]).toBe("0 of 0");
  expect(seen.at(-1)).toBe("100 of 100");
  expect(session.activity.thorough).toBeUndefined();
  expect(session.delivered?.error).toMatchObject({ wrong: 0 });

  const after = session.learnt;
  expect(after).not.toBe(short);
  void session.learnThoroughly();
  await vi.waitUntil(() => (session.activity.thorough?.epoch ?? 0) >= 2, { timeout: 20_000, interval: 1 });
  await lesson(false);
  await session.learn();
  expect(session.learnt).toBe(after);

  void session.learnThoroughly();
  await vi.waitUntil(() => (session.activity.thorough?.epoch ?? 0) >= 2, { timeout: 20_000, interval: 1 });
  answer(1);
  await session.learn();
  // The lesson from the new label goes on from the last model.
  expect(session.learnt).not.toBe(after);
  expect(session.learnt?.epochs).toBe(8);
  expect(session.state.labels.size).toBe(31);
  session.record({ type: "undo" });
  await session.learn();
  stop();
});

test("one row: drawn as every class, explained best by its own, and as likely as others of its kind", async () => {
  const row = 3;
  const found = (await (await ask(`/api/rows/${row}/classes`)).json()) as {
    classes: { name: string; logLikelihood: number; cells: { name: string; cell: string }[] }[];
    logEvidence: number;
  };
  expect(found.classes.map(({ name }) => name)).toEqual(kinds);
  const [best] = [...found.classes].sort((a, b) => b.logLikelihood - a.logLikelihood);
  expect(best.name).toBe(kinds[kindOf(row)]);
  // log p(x) is between p(own) · p(x|own) and p(x|own), with three classes of about the same share.
  expect(found.logEvidence).toBeLessThan(best.logLikelihood);
  expect(found.logEvidence).toBeGreaterThan(best.logLikelihood - 2.5);
  // In column a the clusters are around 0, 8 and 16. The model may leave some of the difference to the style, which is kept.
  const drawn = found.classes.map(({ cells }) => Number(cells.find(({ name }) => name === "a")?.cell));
  expect(drawn[1] - drawn[0]).toBeGreaterThan(2);
  expect(drawn[2] - drawn[1]).toBeGreaterThan(2);
  await vi.waitFor(async () => {
    const { outlier } = (await (await ask(`/api/rows/${row}`)).json()) as {
      outlier?: { bound: number; share: number };
    };
    expect(outlier?.share).toBeGreaterThan(0);
    expect(outlier?.bound).toBeLessThan(found.logEvidence + 3);
  });
  expect((await ask("/api/rows/120/classes")).status).toBe(400);
  // 20 bytes for each row.
  expect((await (await ask("/api/map")).arrayBuffer()).byteLength).toBe(20 * 120);
});

test("what is chosen on the page is kept, and what cannot be chosen is refused", async () => {
  const choose = (settings: object) =>
    ask("/api/settings", {
      method: "POST",
      body: JSON.stringify(settings),
      headers: { "content-type": "application/json" },
    });
  for (const wrong of [{ strategy: "best" }, { layout: "globe" }, {}, { strategy: "chosen", layout: "pca" }])
    expect((await choose(wrong)).status).toBe(400);
  expect((await choose({ strategy: "informative" })).status).toBe(200);
  await session.learn();
  // The information of the rows that may be asked for, and of no others.
  const { information = new Float32Array() } = session.learnt ?? {};
  for (const [row, value] of information.entries()) {
    const isJudged = session.isOpen(row) && !session.isCheck(row);
    expect(Number.isNaN(value), `row ${row}`).toBe(!isJudged);
  }
  expect((await choose({ layout: "umap" })).status).toBe(200);
  await vi.waitFor(
    () => expect(session.places.state).toMatchObject({ shown: "umap", making: false }),
    20_000,
  );
  const places = await session.places.current();
  // Rows of a cluster are nearer to each other than to those of another.
  const apart = (a: number, b: number) =>
    Math.hypot(places[2 * a] - places[2 * b], places[2 * a + 1] - places[2 * b + 1]);
  expect(apart(0, 3)).toBeLessThan(apart(0, 1));
  session.close();
  session = await openSession(options);
  expect(session.settings).toEqual({ strategy: "informative", layout: "umap" });
  await vi.waitFor(() => expect(session.places.state.shown).toBe("umap"), 20_000);
  writeFileSync(join(options.folder, "settings.json"), "{");
  session.close();
  await expect(openSession(options)).rejects.toThrow(/settings\.json: expected the choices/);
  rmSync(join(options.folder, "settings.json"));
  session = await openSession(options);
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

test("with a run, a session begins with what principal components say and goes on with the codes", async () => {
  const few = { ...bars(60), name: "bars" };
  const spec = join(folder, "bars.npy");
  writeFileSync(spec, npyBytes("|u1", "(60, 4, 3)", bytesOf(few.x)));
  const vae = await train(VAE({ shape: [4, 3], latent: 2, hidden: [8] }), few, { epochs: 1, threads: 1 });
  const run = join(folder, "vae");
  await vae.save(run);
  const seeing = await openSession({ ...options, source: { spec }, run, folder: join(folder, "seeing") });
  const first = seeing.next();
  expect(seeing.features.width).toBe(12);
  await vi.waitUntil(() => seeing.features.width === 2, 20_000);
  expect(seeing.activity.problem).toBeUndefined();
  // The row that a person looks at stays.
  expect(seeing.next()).toEqual(first);
  const { means } = await vae.evaluate(seeing.rows.rows);
  expect(Math.max(...seeing.features.values.map((value, i) => Math.abs(value - means[i])))).toBeLessThan(
    1e-6,
  );
  seeing.close();

  const others = join(folder, "others");
  await expect(openSession({ ...options, run, folder: others })).rejects.toThrow(
    /expected a run on rows of shape \[2\].*found \[4, 3\]/,
  );
});
