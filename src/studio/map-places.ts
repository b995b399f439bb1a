/** Where the map of a session draws its rows: principal components, and UMAP once it is chosen and ready. */
import type { Features } from "./features.ts";
import { type Layout, principalLayout } from "./layout.ts";

/** The layouts of a session's features. */
export class MapPlaces {
  readonly #umap: (features: Features) => Promise<Float32Array>;
  readonly #tell: () => void;
  #features: Features;
  #made: Partial<Record<Layout, Promise<Float32Array>>> = {};
  #isMaking = false;
  #problem: string | undefined;
  #shown: Layout = "pca";
  /** Changes when the places do, so that the page asks for them again. */
  #version = 0;

  /** @param tell called when the places change */
  constructor(features: Features, umap: (features: Features) => Promise<Float32Array>, tell: () => void) {
    this.#features = features;
    this.#umap = umap;
    this.#tell = tell;
  }

  /** What is drawn, and whether UMAP is being made. */
  get state() {
    return {
      shown: this.#shown,
      making: this.#isMaking,
      version: this.#version,
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  /** Chooses a layout. UMAP is drawn when it is ready, principal components until then. */
  choose(layout: Layout): void {
    if (layout === "pca") this.#show("pca");
    else void this.#makeUmap();
  }

  /** Other features: what was made of the former ones is gone. */
  replace(features: Features): void {
    const wasUmap = this.#shown === "umap" || this.#isMaking;
    this.#features = features;
    this.#made = {};
    this.#shown = "pca";
    this.#version++;
    if (wasUmap) void this.#makeUmap();
  }

  /** Two values for each row. */
  current(): Promise<Float32Array> {
    if (this.#shown === "umap" && this.#made.umap !== undefined) return this.#made.umap;
    this.#made.pca ??= principalLayout(this.#features);
    return this.#made.pca;
  }

  async #makeUmap(): Promise<void> {
    const features = this.#features;
    this.#isMaking = true;
    this.#problem = undefined;
    this.#made.umap ??= this.#umap(features);
    const made = this.#made.umap;
    try {
      await made;
      // The person may have chosen otherwise in the meantime.
      if (this.#made.umap === made && this.#isMaking) this.#show("umap");
    } catch (error) {
      if (this.#made.umap === made) {
        const { umap: _, ...others } = this.#made;
        this.#made = others;
        this.#isMaking = false;
        this.#problem = error instanceof Error ? error.message : String(error);
        this.#tell();
      }
    }
  }

  #show(layout: Layout): void {
    this.#isMaking = false;
    if (this.#shown === layout) return;
    this.#shown = layout;
    this.#version++;
    this.#tell();
  }
}
