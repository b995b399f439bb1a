data {
  int n;
  real x[n];
  int k[n];
}
parameters {
  real<lower=0> rho;
  real<lower=0> alpha;
  vector[n] z;
}
model {
  matrix[n, n] cov = cov_exp_quad(x, alpha, rho) + diag_matrix(rep_vector(1e-10, n));
  rho ~ gamma(25, 4);
  alpha ~ normal(0, 2);
  z ~ normal(0, 1);
  k ~ poisson_log(cholesky_decompose(cov) * z);
}
