/** The server of a session. Only someone with the link can use it, and by default only on this machine. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import { rowSize, rowsOf } from "../data/index.ts";
import { TightboundError, UsageError } from "../errors.ts";
import { labelEvent } from "./label-log.ts";
import type { MapColumns } from "./overview.ts";
import { pngOf } from "./pictures.ts";
import { writeResults } from "./results.ts";
import type { Session } from "./session.ts";
import { settingsChange } from "./settings.ts";
import { shell } from "./shell.ts";
import { mapOf, openedRow, rowByClass, summaryOf, sureOf, suspectRows } from "./views.ts";

/** A running server. */
export interface StudioServer {
  /** The address with its token. */
  readonly link: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Options of {@link serveSession}. */
export interface ServeOptions {
  /** The port to listen on. Default: a free one. */
  readonly port?: number;
  /** The address to listen on. Default 127.0.0.1, which only this machine can reach. */
  readonly host?: string;
  /** Milliseconds between a label and the lesson that it starts. Default 1000, because users give several labels in a row. */
  readonly pause?: number;
}

const COOKIE = "tightbound-studio";
/** A day in seconds. */
const COOKIE_AGE = 86_400;

const assets: Readonly<Record<string, { readonly type: string; readonly url: () => string | URL }>> = (() => {
  const require = createRequire(import.meta.url);
  const preact = (path: string) => () => require.resolve(path).replace(/\.js$/, ".module.js");
  const script = "text/javascript; charset=utf-8";
  return {
    "preact.js": { type: script, url: preact("preact") },
    "hooks.js": { type: script, url: preact("preact/hooks") },
    "main.js": { type: script, url: () => new URL("./page/main.js", import.meta.url) },
    ...Object.fromEntries(
      ["map.js", "map-page.js", "one-row.js", "parts.js", "progress.js", "sure.js"].map((name) => [
        name,
        { type: script, url: () => new URL(`./page/${name}`, import.meta.url) },
      ]),
    ),
  };
})();

/** Only the page's own scripts may run, and it may only connect to its own server. */
const POLICY =
  "default-src 'none'; script-src 'self' 'sha256-IMPORTMAP'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

/** A thorough lesson begins, or ends. */
const lessonAsked = z.strictObject({ thorough: z.boolean() });

const equal = (a: string, b: string): boolean => {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
};

/** The routes of a session, with access control. `hosts` are the accepted values of the Host header. */
export function studioApp(
  session: Session,
  {
    token,
    hosts,
    pause = 1000,
  }: { readonly token: string; readonly hosts: () => readonly string[]; readonly pause?: number },
): Hono {
  const app = new Hono();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const learnSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void session.learn(), pause);
    timer.unref();
  };

  app.use(async (c, next) => {
    const host = c.req.header("host") ?? "";
    // With DNS rebinding, another site's name points here; the Host header then holds that name.
    if (!hosts().includes(host)) return c.text("This address is not one of the studio's.", 403);
    const origin = c.req.header("origin");
    if (origin !== undefined && origin !== `http://${host}`) {
      return c.text("Only the studio's own page may ask.", 403);
    }
    const given = c.req.query("token");
    if (c.req.path === "/" && given !== undefined && equal(given, token)) {
      setCookie(c, COOKIE, token, { httpOnly: true, sameSite: "Strict", path: "/", maxAge: COOKIE_AGE });
      return c.redirect("/");
    }
    if (!equal(getCookie(c, COOKIE) ?? "", token)) {
      return c.text("Open the link that the command printed: it holds the token.", 401);
    }
    await next();
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cache-Control", "no-store");
    return undefined;
  });

  app.onError((error, c) => {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return c.json({ error: "unreadable message." }, 400);
    if (error instanceof UsageError) return c.json({ error: error.message }, 400);
    return c.json({ error: error instanceof TightboundError ? error.message : "internal error" }, 500);
  });

  app.get("/", (c) => {
    c.header("Content-Security-Policy", POLICY.replace("IMPORTMAP", shell.hash));
    return c.html(shell.html);
  });
  app.get("/assets/:name", (c) => {
    // Names are looked up in a list, never joined to a path.
    const asset = Object.hasOwn(assets, c.req.param("name")) ? assets[c.req.param("name")] : undefined;
    if (asset === undefined) return c.notFound();
    return c.body(readFileSync(asset.url()), 200, { "Content-Type": asset.type });
  });
  app.get("/api/state", (c) => c.json(summaryOf(session)));
  app.get("/api/map", async (c) =>
    c.body(bytesOf(await mapOf(session)), 200, { "Content-Type": "application/octet-stream" }),
  );
  app.get("/api/sure", (c) => {
    const least = Number(c.req.query("least") ?? "0.99");
    if (!(least > 0.5 && least < 1))
      throw new UsageError(`least: expected a number between 0.5 and 1; found ${least}.`);
    return c.json(sureOf(session, least));
  });
  app.get("/api/suspects", (c) => c.json(suspectRows(session)));
  app.get("/api/rows/:row", (c) => c.json(openedRow(session, rowNumber(c.req.param("row")))));
  app.get("/api/rows/:row/classes", async (c) =>
    c.json((await rowByClass(session, rowNumber(c.req.param("row")))) ?? null),
  );
  app.get("/api/rows/:row/image", (c) => {
    const row = rowNumber(c.req.param("row"));
    session.checkRow(row);
    return c.body(pictureOf(session, row), 200, { "Content-Type": "image/png" });
  });
  app.use(async (c, next) => {
    // Another site's form cannot send JSON without a preflight request.
    if (c.req.method === "POST" && !/^application\/json\b/.test(c.req.header("content-type") ?? "")) {
      return c.json({ error: "expected JSON." }, 415);
    }
    await next();
    return undefined;
  });
  app.post("/api/settings", async (c) => {
    session.change(settingsChange.parse(await c.req.json()));
    return c.json(summaryOf(session));
  });
  app.post("/api/lesson", async (c) => {
    const { thorough } = lessonAsked.parse(await c.req.json());
    if (thorough) void session.learnThoroughly();
    else session.stopThorough();
    return c.json(summaryOf(session));
  });
  app.post("/api/events", async (c) => {
    // The answer is sent after the event is on the disk.
    session.record(labelEvent.parse(await c.req.json()));
    learnSoon();
    return c.json(summaryOf(session));
  });
  app.post("/api/results", async (c) => c.json({ files: await writeResults(session) }));
  app.get("/api/stream", (c) =>
    streamSSE(c, async (stream) => {
      let changed = true;
      let wake: () => void = () => undefined;
      const notice = (): void => {
        changed = true;
        wake();
      };
      const stop = session.listen(notice);
      stream.onAbort(() => {
        stop();
        notice();
      });
      while (!stream.aborted) {
        if (changed) {
          changed = false;
          await stream.writeSSE({ event: "state", data: JSON.stringify(summaryOf(session)) });
        }
        // Changes during the writing of an event are sent with the next event.
        if (!changed) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    }),
  );
  return app;
}

const rowNumber = (text: string): number => (/^\d{1,10}$/.test(text) ? Number(text) : -1);

/** The columns of a map one after another, floats first: 20 bytes for each row. */
const bytesOf = ({ x, y, doubt, outlier, label, predicted }: MapColumns): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat([x, y, doubt, outlier, label, predicted].map(({ buffer }) => new Uint8Array(buffer))),
  );

/** A row as a PNG. */
function pictureOf({ rows: { rows } }: Session, row: number): Uint8Array<ArrayBuffer> {
  if (rows.kind !== "image") throw new UsageError("the rows are not images.");
  return pngOf(rows.shape, rowsOf(rows, [row], new Float32Array(rowSize(rows.shape))));
}

/** Starts the server. @throws UsageError when the port is taken. */
export async function serveSession(session: Session, options: ServeOptions = {}): Promise<StudioServer> {
  const { port: asked = 0, host = "127.0.0.1", pause } = options;
  const token = randomBytes(24).toString("base64url");
  let port = asked;
  const names = ["127.0.0.1", "localhost", "[::1]", host.includes(":") ? `[${host}]` : host];
  const app = studioApp(session, {
    token,
    hosts: () => names.map((name) => `${name}:${port}`),
    ...(pause !== undefined && { pause }),
  });
  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, hostname: host, port: asked }, (info: AddressInfo) => {
      port = info.port;
      resolve(started);
    });
    started.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new UsageError(
          cause.code === "EADDRINUSE"
            ? `port ${asked}: another program is using this port. Give another \`port\`, or none to use a free one.`
            : `${host}:${asked}: cannot listen on this address: ${cause.message}.`,
        ),
      ),
    );
  });
  void session.learn();
  const shown = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return {
    link: `http://${shown}:${port}/?token=${token}`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
