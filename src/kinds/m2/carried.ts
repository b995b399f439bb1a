/** What class and style each say of x, and whether the class says anything. */
import { ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, overChunks } from "../../data/index.ts";
import { Normal } from "../../distributions/index.ts";
import type { M2, ParameterValues } from "../../models/index.ts";
import type { CarriedFigures } from "../../report/index.ts";
import { concat, expand, logsumexp, mul, sub, sum, tensor } from "../../tensor/index.ts";

/** Rows times classes that are decoded at once. */
const AT_ONCE = 2000;

/**
 * Means over rows whose class is taken to be `predicted`, with one draw of the style from q(z|x, y).
 *
 * Cost: a pass through the decoder for each class and row, and one more.
 */
export async function carriedBy(
  m2: M2,
  rows: Dataset,
  predicted: Int32Array,
  shares: readonly number[],
  options: { readonly parameters: ParameterValues; readonly seed: number; readonly threads?: number },
): Promise<CarriedFigures> {
  const { classes, latent } = m2;
  const f = compile((x, y) => {
    const count = x.shape[0];
    const z = m2.encode(x, y).sample("z");
    const other = Normal(0, 1).expand([count, latent]).sample("other z");
    const own = m2.decode(y, z).logProb(x).reshape([count, 1]);
    const each = concat(
      shares.map((_, k) => {
        const one = expand(tensor([shares.map((__, i) => Number(i === k))]), [count, classes]);
        return m2.decode(one, z).logProb(x).reshape([count, 1]);
      }),
      1,
    );
    const prior = tensor([shares.map((share) => share)]);
    const weighted = each.add(tensor([shares.map(Math.log)]));
    return concat(
      [
        sub(own, sum(mul(each, prior), -1, { keepDims: true })),
        sub(own, m2.decode(y, other).logProb(x).reshape([count, 1])),
        sub(own, logsumexp(weighted, -1, { keepDims: true })),
      ],
      1,
    );
  }, options);
  const totals = [0, 0, 0];
  const size = Math.max(1, Math.floor(AT_ONCE / classes));
  await overChunks(
    rows,
    async (x, count, start) => {
      const y = new ArrayValue([x.shape[0], classes], "float32");
      for (let i = 0; i < x.shape[0]; i++) {
        y.data[i * classes + predicted[start + (i < count ? i : 0)]] = 1;
      }
      const { data } = await f(x, y);
      for (let i = 0; i < 3 * count; i++) totals[i % 3] += Number(data[i]);
    },
    size,
  );
  const [byClass, byStyle, told] = totals.map((total) => total / rows.rows);
  const entropy = -shares.reduce((total, share) => total + share * Math.log(share), 0);
  return { class: byClass, style: byStyle, told, entropy, rows: rows.rows };
}

/** Share of what there is to tell of the class below which the decoder is said not to heed it. */
const LEAST_TOLD = 0.5;

/** What a person should be told where the class says little of x; nothing where it says enough. */
export function classWarnings({ told, entropy, class: byClass, style }: CarriedFigures): readonly string[] {
  if (told >= LEAST_TOLD * entropy) return [];
  return [
    `The class says little of x: with another class the decoder gives a row ${byClass.toFixed(1)} nats less, with another style ` +
      `${style.toFixed(1)}. What it draws of each class is much the same, and rows without labels teach q(y|x) little. Leave the style ` +
      "less room, with a larger beta (4) or fewer latent dimensions, or give the class time with a warm-up and its entropy term.",
  ];
}
