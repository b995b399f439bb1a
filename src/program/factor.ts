import { constraints, Distribution, type Parameters } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import type { Tensor } from "../tensor/index.ts";

/** Not a distribution but a weight: its log density is what it was given, whatever the value. */
export class Factor extends Distribution {
  constructor(logWeight: Tensor) {
    super({
      name: "Factor",
      parameters: { logWeight },
      constraints: { logWeight: constraints.real },
      support: constraints.real,
      reparameterised: false,
    });
  }

  protected override logDensity(): Tensor {
    return this.parameters.logWeight;
  }

  protected override draw(site: string): Tensor {
    throw new UsageError(`site '${site}': a factor is a weight and cannot be drawn.`);
  }

  protected override rebuild({ logWeight }: Parameters): Distribution {
    return new Factor(logWeight);
  }
}
