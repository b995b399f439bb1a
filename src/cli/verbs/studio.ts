/** `tightbound studio`: a page on which a person labels rows while a model learns. */
import { spawn } from "node:child_process";
import { basename, extname } from "node:path";
import type { Command } from "commander";
import { ceilings } from "../../limits.ts";
import { whole } from "../parse.ts";
import { type Context, grouped, speaker } from "../terminal.ts";
import { inFlags } from "../wording.ts";

interface Options {
  readonly labelColumn?: string;
  readonly id?: string;
  readonly hideLabels?: true;
  readonly run?: string;
  readonly port?: number;
  readonly host?: string;
  readonly open: boolean;
  readonly out?: string;
  readonly epochs?: number;
  readonly m1Epochs?: number;
}

const EXAMPLES = `
Prints an address and opens it. On the page a key labels the row that is shown; the model learns in the background from the labels and from
all unlabelled rows, and asks for the rows that help it most. Every fourth row is drawn at random and only used to measure the error.

Images need fewer labels once M1, a variational autoencoder, has learnt from all of them. It is trained in the background, in the session's
folder, and used when it is ready; --run gives one that is trained already.

Every label is on the disk before the page shows it as saved. Run the command again with the same --out to continue a session. Ctrl-C
ends it.

Examples:
  $ tightbound studio photos/
  $ tightbound studio penguins.csv --label-column species --out runs/penguins-studio
  $ tightbound studio mnist --hide-labels --run runs/mnist-vae-1`;

/** The program that opens an address, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: "open", linux: "xdg-open" };

export function define(command: Command, context: Context): void {
  command
    .option("--label-column <name>", "the column of a table with the classes that are known so far")
    .option("--id <column>", "the column of a table that names its rows")
    .option(
      "--hide-labels",
      "keep only the names of the classes in the data, to try the studio on labelled data",
    )
    .option("--run <folder>", "a run of vae or m1 on the same rows: M2 learns from its codes (M1+M2)")
    .option(
      "--epochs <n>",
      "passes over the rows in a lesson that starts from scratch (default: those of train, or fewer if there are many rows)",
      whole(1, ceilings.epochs),
    )
    .option(
      "--m1-epochs <n>",
      "passes over the images to train M1 in the background if there is no --run; 0 for none (default: 10 to 100, by the number of images)",
      whole(0, ceilings.epochs),
    )
    .option("--port <n>", "the port to listen on (default: a free one)", whole(1, ceilings.port))
    .option(
      "--host <address>",
      "the address to listen on (default: 127.0.0.1, which only this machine can reach)",
    )
    .option("--no-open", "only print the address")
    .option("--out <folder>", "the session's folder (default: runs/<data>-studio)")
    .addHelpText("after", EXAMPLES)
    .action(async (data: string, options: Options) => {
      const { openSession, serveSession } = await import("../../studio/index.ts");
      const { watchInterrupts } = await import("../interrupt.ts");
      const say = speaker(context.terminal, {});
      const { labelColumn, id, hideLabels, run, port, host, out, epochs, m1Epochs } = options;
      const folder = out ?? `runs/${basename(data, extname(data))}-studio`;
      const session = await openSession({
        source: {
          spec: data,
          ...(labelColumn !== undefined && { labelColumn }),
          ...(id !== undefined && { id }),
          ...(hideLabels && { hideLabels }),
        },
        folder,
        ...(run !== undefined && { run }),
        ...(epochs !== undefined && { epochs }),
        ...(m1Epochs !== undefined && { m1Epochs }),
      });
      const server = await serveSession(session, {
        ...(port !== undefined && { port }),
        ...(host !== undefined && { host }),
      });
      for (const note of session.rows.notes) say(inFlags(note));
      say(
        `${session.rows.rows.name}: ${grouped(session.rows.rows.rows)} rows, ${session.state.labels.size} labelled; saved in ${folder}`,
      );
      if (host !== undefined && !["127.0.0.1", "localhost", "::1"].includes(host)) {
        say(
          `Careful: on ${host} anyone who can reach this machine and has the link can see and label these rows, and the connection is not encrypted.`,
        );
      }
      if (session.state.labels.size === session.rows.rows.rows) {
        say(
          "Every row already has a class, so there is nothing to label. To try the studio on these data, add --hide-labels and another --out.",
        );
      }
      say(server.link);
      const opener = OPENERS[process.platform];
      if (options.open && opener !== undefined) {
        // Without a desktop the page cannot be opened; the address is printed anyway.
        spawn(opener, [server.link], { stdio: "ignore", detached: true })
          .on("error", () => undefined)
          .unref();
      }
      const interrupts = watchInterrupts(
        () => say("Stopped. Every label is saved."),
        () => undefined,
      );
      await new Promise<void>((resolve) => {
        interrupts.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await server.close();
      session.close();
      interrupts.release();
    });
}
