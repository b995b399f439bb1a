import type { Ranks } from "../mpi/index.ts";
import { printable, printableJson } from "../printable.ts";

/** Where the program writes. Tests pass one that records the output. */
export interface Terminal {
  readonly out: OutputStream;
  readonly err: OutputStream;
  /** Whether to show the stack of an error. */
  readonly debug: boolean;
  /** Reports progress to the sweep that started this process. Absent if there is none. */
  readonly tell?: (message: object) => void;
}

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** What a verb receives: the terminal, and a place for its exit code. */
export interface Context {
  readonly terminal: Terminal;
  /** The arguments the user typed, without the name of the program. */
  readonly argv: readonly string[];
  exitCode: number;
  /** The ranks that a launcher of MPI has started. */
  readonly ranks: Ranks;
}

/** Prints one line of text. With `--json` it goes to the error stream, so that the output is only JSON. */
export type Say = (line: string) => void;

export const speaker = (
  { out, err }: Terminal,
  { json = false, quiet = false }: { readonly json?: boolean; readonly quiet?: boolean },
): Say => {
  if (quiet) return () => undefined;
  const stream = json ? err : out;
  return (line) => {
    stream.write(`${printable(line)}\n`);
  };
};

/** The one object that a verb prints with `--json`. Numbers that are not finite become null, since JSON does not have them. */
export const printJson = ({ out }: Terminal, value: object): void => {
  out.write(`${printableJson(JSON.stringify(value, null, 2))}\n`);
};

/** `60000` as `60,000`. Not toLocaleString, which takes 17 ms at startup to load its tables. */
export const grouped = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ",");

/** A share of rows as `3.33 %`. */
export const percent = (share: number | undefined): string =>
  share === undefined ? "–" : `${(100 * share).toFixed(2)} %`;

/** Seconds as `3.1 s`, `4:07` or `1:02:33`. */
export const clock = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
};

/** A command line that a shell parses into these arguments. */
export const commandLine = (words: readonly string[]): string =>
  ["tightbound", ...words]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(" ");
