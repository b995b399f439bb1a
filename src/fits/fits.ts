import { readFileSync } from "#platform/files";
import { ArrayValue } from "../compile/index.ts";
import { CheckpointError, InternalError } from "../errors.ts";
import { decodeSafetensors, encodeSafetensors, reason, toJson, writeDurably } from "../files/index.ts";
import {
  type Cavi,
  type CaviResult,
  caviResult,
  guideDraws,
  type LaplaceResult,
  type LaplaceRunner,
  type MapFinder,
  type MapResult,
  type Mcmc,
  type NaturalValues,
  parametersOfPrograms,
  type Sampler,
  type StochasticCavi,
  type StochasticCaviResult,
  type Svi,
  type SviFit,
  stochasticCaviResult,
} from "../inference/index.ts";
import { type Program, trace } from "../program/index.ts";
import { formatShape, sameShape } from "../tensor/index.ts";
import { type Codec, FitReader, FitWriter } from "./file.ts";
import { caviFit, laplaceFit, mapFit, mcmcFit, type StoredCavi, type StoredSvi, sviFit } from "./kinds.ts";
import { checkProgram, checkValues, ofAnother } from "./same-program.ts";

/** The results that {@link saveFit} writes: those of `svi`, `map`, `laplace`, `cavi`, `stochasticCavi`, `nuts` and `hmc`. */
export type Fit =
  | SviFit
  | MapResult
  | LaplaceResult
  | CaviResult<readonly unknown[]>
  | StochasticCaviResult
  | Mcmc;

const FORMAT = "tightbound fit";
const VERSION = "1";

/**
 * Writes a fit as a safetensors file, whole or not at all. {@link loadFit} returns the same values, bit for bit. For `svi` these are the
 * parameters and the history of the bound, not the optimiser's state, so a loaded fit cannot be trained further.
 *
 * @example
 * const fit = await svi(coin, guide).run([flips], { steps: 2000 });
 * await saveFit("coin.safetensors", fit);
 *
 * @throws CheckpointError when the file cannot be written, for example on a full disk; an old file is untouched.
 */
export async function saveFit(path: string, fit: Fit): Promise<void> {
  const file = new FitWriter();
  write(fit, file);
  const metadata = { format: FORMAT, version: VERSION, method: fit.method, notes: toJson(file.notes, "fit") };
  writeDurably(path, encodeSafetensors(file.tensors, metadata));
}

function write(fit: Fit, file: FitWriter): void {
  if (fit.method === "map") mapFit.write("", fit, file);
  else if (fit.method === "laplace") laplaceFit.write("", fit, file);
  else if (fit.method === "svi") sviFit.write("", storedSvi(fit), file);
  else if (fit.method === "cavi" || fit.method === "stochastic-cavi")
    caviFit.write("", storedCavi(fit), file);
  else mcmcFit.write("", fit, file);
}

function storedCavi(fit: CaviResult<readonly unknown[]> | StochasticCaviResult): StoredCavi {
  const { method, fitted, elbo, state } = fit;
  const [count, converged] =
    fit.method === "cavi" ? [fit.state.sweep, fit.converged] : [fit.state.step, false];
  return { method, fitted, elbo, natural: state.natural, count, converged };
}

function storedSvi({ method, fitted, elbo, values, parameters }: SviFit): StoredSvi {
  const leaves = [...parameters.keys()];
  if (leaves.length !== values.size)
    throw new InternalError(`a fit with ${values.size} names for ${leaves.length} parameters`);
  return {
    method,
    fitted,
    elbo,
    parameters: new Map(
      [...values].map(([name, data], i) => [name, new ArrayValue(leaves[i].shape, "float32", data)]),
    ),
  };
}

/**
 * Reads what {@link saveFit} wrote, for the method, program and arguments that it was fitted with. Every byte is checked, and names and
 * shapes are compared with the program's. Use the result like a new one: `predictive`, `importance` and `summary` accept it, and coordinate
 * ascent can continue from it.
 *
 * @param path the file
 * @param method the method that made the fit: `svi(model, guide)`, `map(program)`, `nuts(program)`, …
 * @param args the program's arguments; for `svi`, other rows of data are allowed if the guide accepts them
 *
 * @example
 * const fit = await loadFit("coin.safetensors", svi(coin, guide), [flips]);
 * const draws = await predictive(coin, [flips], { guide, parameters: fit.parameters, draws: 1000 });
 *
 * @throws CheckpointError when the file is missing, damaged or not a fit, or is a fit by another method or of another program. The message
 * names the site or parameter, what was expected and what was found.
 */
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: Svi<A>,
  args: A,
): Promise<SviFit>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: MapFinder<A>,
  args: A,
): Promise<MapResult>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: LaplaceRunner<A>,
  args: A,
): Promise<LaplaceResult>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: Cavi<A>,
  args: A,
): Promise<CaviResult<A>>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: StochasticCavi<A>,
  args: A,
): Promise<StochasticCaviResult>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: Sampler<A>,
  args: A,
): Promise<Mcmc>;
export async function loadFit<A extends readonly unknown[]>(
  path: string,
  method: Svi<A> | MapFinder<A> | LaplaceRunner<A> | Cavi<A> | StochasticCavi<A> | Sampler<A>,
  args: A,
): Promise<Fit | CaviResult<A>> {
  const file = open(path, method.method);
  const read = <F extends { readonly fitted: SviFit["fitted"] }>(codec: Codec<F>, program: Program<A>): F => {
    const fit = codec.read("", file);
    checkProgram(path, fit.fitted, program, args);
    return fit;
  };
  switch (method.method) {
    case "map": {
      const fit = read(mapFit, method.program);
      checkValues(path, fit.values, [], method.program, args);
      return fit;
    }
    case "laplace": {
      const fit = read(laplaceFit, method.program);
      checkValues(path, fit.mode, [], method.program, args);
      const [first] = fit.values.values();
      checkValues(path, fit.values, first === undefined ? [] : first.shape.slice(0, 1), method.program, args);
      return fit;
    }
    case "nuts":
    case "hmc": {
      const fit = read(mcmcFit, method.program);
      checkValues(path, fit.values, [fit.chains, fit.draws], method.program, args);
      return fit;
    }
    case "svi": {
      const { elbo, fitted, parameters } = read(sviFit, method.model);
      const found = withLeaves(path, parameters, method, args);
      return {
        method: "svi",
        fitted,
        elbo,
        ...found,
        draw: (options) => guideDraws(method.model, method.guide, args, found.parameters, options),
      };
    }
    case "cavi": {
      const { natural, elbo, count, converged } = read(caviFit, method.program);
      const start = await method.init(args);
      checkNatural(path, natural, start.natural, method.program.name);
      const state = { ...start, natural, sweep: count, elbo: elbo.at(-1) ?? start.elbo };
      return caviResult(method.program, args, state, { elbo, converged });
    }
    case "stochastic-cavi": {
      const { natural, elbo, count } = read(caviFit, method.program);
      const start = await method.init(args);
      checkNatural(path, natural, start.natural, method.program.name);
      return stochasticCaviResult(method.program, args, { ...start, natural, step: count }, elbo);
    }
  }
}

const UNREADABLE = {
  ENOENT: "no such file. Check the path, or save a fit there with saveFit",
  EISDIR: "found a folder. Give the path of a file",
  EACCES: "no permission to read it",
};

/** A file with a fit by some method. */
function open(path: string, method: string): FitReader {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new CheckpointError(`${path}: expected a fit: ${reason(cause, UNREADABLE)}`, { cause });
  }
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  if (metadata.format !== FORMAT) {
    throw new CheckpointError(
      `${path}: expected a ${FORMAT}, found safetensors of another kind (format ${JSON.stringify(metadata.format) ?? "not given"}). ` +
        "Fits are written by saveFit.",
    );
  }
  if (metadata.version !== VERSION) {
    throw new CheckpointError(
      `${path}: expected a ${FORMAT} of version ${VERSION}, found version ${metadata.version}. Read it with the version of tightbound that ` +
        "wrote it, or fit again.",
    );
  }
  if (metadata.method !== method) {
    throw new CheckpointError(
      `${path}: expected a fit by ${method}, found one by ${metadata.method}. Load it with the method that made it.`,
    );
  }
  let notes: unknown;
  try {
    notes = JSON.parse(metadata.notes ?? "{}");
  } catch {
    notes = {};
  }
  return new FitReader(path, tensors, new Map(Object.entries(notes ?? {})));
}

/** A file's parameters as the leaves of model and guide. */
function withLeaves<A extends readonly unknown[]>(
  path: string,
  parameters: StoredSvi["parameters"],
  { model, guide }: Svi<A>,
  args: A,
): Pick<SviFit, "values" | "parameters"> {
  // Programs know their parameters only after they have run.
  trace(guide, args);
  trace(model, args);
  const leaves = parametersOfPrograms(model, guide);
  const values = new Map<string, Float32Array>();
  for (const { name, tensor } of leaves) {
    const found = parameters.get(name);
    if (found === undefined)
      throw ofAnother(path, guide.name, `parameter '${name}' is in the programs and not in the file`);
    const { shape, data } = found;
    if (!sameShape(shape, tensor.shape) || !(data instanceof Float32Array)) {
      throw ofAnother(
        path,
        guide.name,
        `parameter '${name}': expected float32 of shape ${formatShape(tensor.shape)}, found ${found.dtype} of shape ${formatShape(shape)}`,
      );
    }
    values.set(name, data);
  }
  for (const name of parameters.keys())
    if (!values.has(name))
      throw ofAnother(path, guide.name, `parameter '${name}' is in the file and not in the programs`);
  return {
    values,
    parameters: new Map(
      leaves.flatMap(({ name, tensor }) => {
        const value = values.get(name);
        return value === undefined ? [] : [[tensor, value] as const];
      }),
    ),
  };
}

/** Natural parameters must have the sites and sizes of the program. */
function checkNatural(path: string, found: NaturalValues, expected: NaturalValues, program: string): void {
  const sizes = (values: readonly Float64Array[] | undefined) =>
    values === undefined ? "none" : `[${values.map((v) => v.length).join(", ")}]`;
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    const [a, b] = [sizes(expected.get(name)), sizes(found.get(name))];
    if (a !== b)
      throw ofAnother(path, program, `site '${name}': expected natural parameters of sizes ${a}, found ${b}`);
  }
}
