/** Names of what a model may be made of. They stand alone, so that a command line is read without loading the models. */

/** The likelihoods that a decoder may have. */
export const likelihoodNames = [
  "bernoulli",
  "bernoulli-on-grey",
  "continuous-bernoulli",
  "gaussian",
  "gaussian-per-feature",
  "discretised-logistic",
  "table",
] as const;

/** The kinds of encoders and decoders. */
export const networkNames = ["mlp", "convolutional"] as const;

/** The bounds that a VAE may be trained by. */
export const boundNames = ["elbo", "iwae"] as const;

/** How the KL term of the ELBO is computed. */
export const elboForms = ["analytic", "monteCarlo"] as const;
