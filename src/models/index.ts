export { Autoencoder, type AutoencoderOptions, type DeterministicAutoencoder } from "./autoencoder.ts";
export { BeliefNetwork, type BeliefNetworkOptions } from "./belief-network.ts";
export { checkLikelihood, type Likelihood, type LikelihoodName, likelihoodNames } from "./likelihood.ts";
export { type NetworkName, networkNames } from "./networks.ts";
export { VAE, type Vae, type VaeObjectiveOptions, type VaeOptions } from "./vae.ts";
