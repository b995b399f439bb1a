/** Generated JavaScript of many statements, split into functions small enough for the engine to optimise. */
import type { exactWhole, HostArray, HostKernel } from "../tensor/index.ts";
import type { SingleCall } from "./singles.ts";

/** Reads bound leaves and writes bound outputs; synchronous. In the body of a loop, `t` is the step; otherwise it has no meaning. */
export type HostRun = (t: number) => void;

/** The letters in generated names: `B3` is `B[3]`. Functions of the code itself are `F`. */
export interface Bindings {
  /** Leaves. */
  readonly L: readonly HostArray[];
  /** Outputs. */
  readonly O: readonly (HostArray | BigInt64Array)[];
  /** Constants. */
  readonly C: readonly Float64Array[];
  readonly K: readonly (HostKernel | SingleCall)[];
  /** Buffers of intermediate values. */
  readonly B: readonly (Float64Array | Float32Array)[];
  /** Writes 64-bit integers. */
  readonly W: typeof writeWhole;
  /** Refuses 64-bit integers that float64 does not hold. */
  readonly X: typeof exactWhole;
}

/**
 * A function of at least this many characters is closed and the next one begun. V8 never optimises a function of more than about 60 KB;
 * its interpreter is ten times slower (ARMA with 80 steps took 5.3 µs for each gradient in one function, with 100 steps 40), and it cannot
 * parse a function of thousands of KB at all.
 */
const LARGEST_FUNCTION = 4096;

/** The number of functions that one function calls, one after the other. */
const MOST_CALLS = 64;

const LARGEST_INT64 = 2n ** 63n - 1n;

/** Writes float64 numbers as 64-bit integers: numbers out of range become the nearest limit, and NaN becomes 0. */
export function writeWhole(out: HostArray | BigInt64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < out.length; i++) {
    const v = values[i];
    if (!(out instanceof BigInt64Array)) out[i] = v;
    else if (v >= 2 ** 63) out[i] = LARGEST_INT64;
    else out[i] = Number.isNaN(v) ? 0n : v < -(2 ** 63) ? -LARGEST_INT64 - 1n : BigInt(v);
  }
}

/**
 * V8 knows a text that it has compiled before, and lets its functions share what it learns about them. Then none is compiled for arrays of its own,
 * whose addresses and lengths are constants in its machine code, and loops take up to twice as long. A function that is called more often than
 * this is worth a text of its own, which is compiled from the beginning.
 */
const MANY_CALLS = 10_000;

/** Hashes of the texts that V8 has seen; so many of them. */
const seen = new Set<number>();
const MOST_SEEN = 4096;

/** Whether V8 has seen a text; from now on it has. */
function wasSeen(text: string): boolean {
  let hash = text.length;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  if (seen.has(hash)) return true;
  if (seen.size >= MOST_SEEN) seen.clear();
  seen.add(hash);
  return false;
}

type Instantiate = (bindings: Bindings) => HostRun;

let written = 0;

/** Statements as they are generated. */
export class GeneratedCode {
  readonly #functions: string[][] = [];
  /** Functions that statements call as F0, F1, … */
  readonly #called: string[][] = [];
  #size = Number.POSITIVE_INFINITY;

  /** The number of the function that what is added next will be in. */
  begin(): number {
    if (this.#size >= LARGEST_FUNCTION) {
      this.#functions.push([]);
      this.#size = 0;
    }
    return this.#functions.length - 1;
  }

  /** Adds lines that must stay in one function. Names beginning with a capital letter of {@link Bindings} are declared where they are used. */
  add(...lines: readonly string[]): void {
    this.begin();
    for (const line of lines) {
      this.#functions[this.#functions.length - 1].push(line);
      this.#size += line.length;
    }
  }

  /** The lines of code that fits into one function. */
  get lines(): readonly string[] | undefined {
    if (this.#called.length > 0 || this.#functions.length > 1) return undefined;
    return this.#functions[0] ?? [];
  }

  /** Takes over the functions of other code. @returns a statement that calls them, with the `t` of where it stands */
  adopt(other: GeneratedCode): string {
    const first = this.#called.length;
    // The other's functions call those that it has taken over itself.
    const renumbered = (lines: string[]): string[] =>
      lines.map((line) => line.replace(/\bF(\d+)\(t\)/g, (_, i) => `F${first + Number(i)}(t)`));
    this.#called.push(...other.#called.map(renumbered));
    const start = this.#called.length;
    this.#called.push(...other.#functions.map(renumbered));
    return other.#functions.map((_, i) => `F${start + i}(t);`).join(" ");
  }

  /**
   * Makes the function that runs everything, once the arrays are known.
   *
   * @param viewed names of buffers that are also read under other names
   */
  compile(viewed: ReadonlySet<string> = new Set()): Instantiate {
    const dead = unread([...this.#called, ...this.#functions].flat(), viewed);
    const bodiesOf = (functions: readonly string[][]): string[] =>
      functions.map((lines) => lines.filter((line) => !dead.has(storedIn(line))).join("\n"));
    const bodies: Bodies = { called: bodiesOf(this.#called), steps: bodiesOf(this.#functions) };
    const common = instantiator(bodies, "");
    if (!wasSeen([...bodies.called, ...bodies.steps].join("\n"))) return common;
    return (bindings) => {
      let run = common(bindings);
      let calls = 0;
      return (t) => {
        if (++calls === MANY_CALLS) run = instantiator(bodies, `// ${++written}\n`)(bindings);
        run(t);
      };
    };
  }
}

/** The buffer into whose element a variable is stored, and nothing else is done. */
const storedIn = (line: string): string => /^(B\d+)\[\d+\] = r\d+;$/.exec(line)?.[1] ?? "";

/** Buffers that numbers are stored in and nobody reads, because variables hold them where they are needed. */
function unread(lines: readonly string[], viewed: ReadonlySet<string>): ReadonlySet<string> {
  const stored = new Set<string>();
  const read = new Set(viewed);
  for (const line of lines) {
    const name = storedIn(line);
    if (name !== "") stored.add(name);
    else for (const used of line.match(/\bB\d+\b/g) ?? []) read.add(used);
  }
  return new Set([...stored].filter((name) => !read.has(name)));
}

/** The code of functions: those that are called from others, and those that run one after another. */
interface Bodies {
  readonly called: readonly string[];
  readonly steps: readonly string[];
}

/** Makes functions, each beginning with a comment. */
function instantiator({ called, steps }: Bodies, comment: string): Instantiate {
  const factoryOf = (code: string) => {
    const names = new Set(code.match(/\b[LOCKBF]\d+\b/g));
    const declared = [...names].map((name) => `${name} = ${name[0]}[${name.slice(1)}]`);
    const head = declared.length === 0 ? "" : `const ${declared.join(", ")};`;
    return new Function(
      "L",
      "O",
      "C",
      "K",
      "B",
      "W",
      "X",
      "F",
      `"use strict"; ${head} return (t) => { ${comment}${code} };`,
    );
  };
  const [inner, outer] = [called, steps].map((list) => list.map(factoryOf));
  const join = sequence(outer.length, comment);
  return ({ L, O, C, K, B, W, X }) => {
    const F: HostRun[] = [];
    for (const factory of inner) F.push(factory(L, O, C, K, B, W, X, F));
    return join(outer.map((factory) => factory(L, O, C, K, B, W, X, F)));
  };
}

/** Makes one function of `count` that are called in turn. */
function sequence(count: number, comment: string): (runs: readonly HostRun[]) => HostRun {
  if (count === 0) return () => () => undefined;
  if (count === 1) return ([run]) => run;
  const groups = Array.from({ length: Math.ceil(count / MOST_CALLS) }, (_, i) => {
    const size = Math.min(MOST_CALLS, count - i * MOST_CALLS);
    const names = Array.from({ length: size }, (_, k) => `f${k}`);
    return new Function(
      "F",
      `"use strict"; const [${names.join(", ")}] = F; return (t) => { ${comment}${names.map((f) => `${f}(t);`).join(" ")} };`,
    );
  });
  const join = sequence(groups.length, comment);
  return (runs) =>
    join(groups.map((group, i) => group(runs.slice(i * MOST_CALLS, (i + 1) * MOST_CALLS)) as HostRun));
}
