import { div, sub, type Tensor } from "../tensor/index.ts";
import { positive, real } from "./constraints.ts";
import { Distribution, type Parameters } from "./distribution.ts";

/** A family on the real line, shifted by `loc` and scaled by `scale`, with differentiable draws. */
export abstract class LocationScaleDistribution extends Distribution {
  readonly loc: Tensor;
  readonly scale: Tensor;

  protected constructor(
    name: string,
    parameters: Parameters,
    options: { readonly selfLimiting?: boolean } = {},
  ) {
    super({
      name,
      parameters,
      constraints: { loc: real, scale: positive },
      support: real,
      reparameterised: true,
      ...options,
    });
    this.loc = parameters.loc;
    this.scale = parameters.scale;
  }

  /** (x − loc) / scale. */
  protected standardise(x: Tensor): Tensor {
    return div(sub(x, this.loc), this.scale);
  }
}
