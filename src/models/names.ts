/** Names of a model's parts, in a separate file so that a command line can be parsed without loading the models. */

/** The likelihoods. */
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

/** The bounds for training a VAE. */
export const boundNames = ["elbo", "iwae"] as const;

/** The gradient estimators for training a VAE under the importance-weighted bound. */
export const boundEstimators = ["pathwise", "doubly-reparameterised"] as const;

/** How the KL term of the ELBO is computed. */
export const elboForms = ["analytic", "monteCarlo"] as const;
