import { expect, test } from "vitest";
import { autoencoderVae, picture } from "../../examples/autoencoder-vae.ts";

test("the autoencoder reconstructs better; draws from the prior decode to digits in the VAE alone", async () => {
  const rows = await autoencoderVae({ train: 4000, test: 500, epochs: 8, samples: 40, seed: 0 });
  const [autoencoder, vae] = rows;
  expect([autoencoder.model, vae.model]).toEqual(["autoencoder", "VAE"]);
  expect(autoencoder.reconstruction).toBeGreaterThan(vae.reconstruction + 2);
  // Codes of the VAE's posterior means are at most as spread as the prior; the autoencoder's lie wherever they lie.
  expect(vae.spread).toBeLessThan(2);
  expect(autoencoder.spread).toBeGreaterThan(5);
  expect(vae.likeness).toBeGreaterThan(autoencoder.likeness + 0.02);
  expect(picture(rows).subarray(1, 4)).toEqual(new TextEncoder().encode("PNG"));
});
