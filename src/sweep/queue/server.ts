/** The queue of sweeps on several machines: BullMQ on Redis. Both packages are optional, and are loaded when a queue is asked for. */
import { setTimeout as wait } from "node:timers/promises";
import { QueueError, UsageError } from "../../errors.ts";
import { reason } from "../../files/index.ts";
import { type Bull, loadPackages, type Redis } from "./packages.ts";

/** A Redis that answers, and the library of queues. */
export interface QueueServer {
  readonly bull: Bull;
  /** The address without its password. */
  readonly shown: string;
  /** A connection of its own, which comes back after it was lost. */
  connect(): Redis;
}

/** A Redis that does not answer is given up after this time, in ms. */
const ANSWERS_WITHIN = 4000;

const INSTALL = "Install both: `npm install bullmq ioredis`.";

async function load(): ReturnType<typeof loadPackages> {
  try {
    return await loadPackages();
  } catch (error) {
    throw new QueueError(
      `queue: a queue needs the npm packages bullmq and ioredis, and they cannot be loaded (${reason(error).split("\n")[0]}). ${INSTALL}`,
    );
  }
}

function addressOf(text: string, password: string | undefined): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw new UsageError(
      "queue: expected the address of a Redis, such as redis://queue.example.org:6379, or rediss:// for TLS; found " +
        `${url === undefined || url.password === "" ? `"${text}"` : `another with the protocol ${url.protocol}`}.`,
    );
  }
  if (url.password === "" && password !== undefined) url.password = encodeURIComponent(password);
  return url;
}

/** What went wrong, and the way out. */
function refusal(shown: string, told: string): string {
  if (/WRONGPASS|NOAUTH|invalid (username-)?password|invalid username/i.test(told)) {
    return (
      `queue: the Redis at ${shown} refuses the password${/NOAUTH/.test(told) ? ", or wants one and was given none" : ""}. Give it in the address, ` +
      "redis://:PASSWORD@host, or in the variable TIGHTBOUND_QUEUE_PASSWORD."
    );
  }
  if (/certificate|SSL|TLS|self.signed/i.test(told)) {
    return `queue: the Redis at ${shown} and this program do not agree on TLS: ${told}. NODE_EXTRA_CA_CERTS names a file of certificates to trust.`;
  }
  if (/RESP|Protocol error/.test(told)) {
    return `queue: something answers at ${shown}, but not as a Redis does (${told.replace(/\. Please report this\.?/, "")}). Check host and port, and that no proxy is between.`;
  }
  return (
    `queue: no Redis answers at ${shown}: ${told}. Check the address; start one with \`redis-server\` (on Debian and Ubuntu ` +
    "`apt-get install redis-server`), with a password if other machines can reach it."
  );
}

/**
 * Connects to Redis.
 *
 * @param address `redis://[:password@]host[:port][/database]`, or `rediss://` for TLS
 * @param password where the address has none
 * @throws QueueError within 5 s when it does not answer or refuses the password, or the packages are missing.
 */
export async function connectQueue(address: string, password: string | undefined): Promise<QueueServer> {
  const url = addressOf(address, password);
  const shown = `${url.protocol}//${url.host}${url.pathname}`.replace(/\/$/, "");
  const { bull, Client } = await load();
  const probe = new Client(url.href, {
    lazyConnect: true,
    connectTimeout: ANSWERS_WITHIN,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  });
  let cause: unknown;
  probe.on("error", (error) => {
    cause ??= error;
  });
  try {
    const answered = (async () => {
      await probe.connect();
      await probe.ping();
    })();
    answered.catch(() => undefined);
    const patience = new AbortController();
    const late = wait(ANSWERS_WITHIN, undefined, { signal: patience.signal }).then(() => {
      throw new Error(`no answer within ${ANSWERS_WITHIN / 1000} s`);
    });
    late.catch(() => undefined);
    await Promise.race([answered, late]);
    patience.abort();
  } catch (error) {
    const known = cause instanceof Error && cause.message !== "" ? cause : error;
    throw new QueueError(refusal(shown, reason(known)));
  } finally {
    probe.disconnect();
  }
  return {
    bull,
    shown,
    connect() {
      // BullMQ waits for a connection that comes back, and wants no limit on that.
      const connection = new Client(url.href, { maxRetriesPerRequest: null, retryStrategy: () => 1000 });
      connection.on("error", () => undefined);
      return connection;
    },
  };
}
