data {
  int n;
  real x[n];
  vector[n] y;
}
parameters {
  real<lower=0> rho;
  real<lower=0> alpha;
  real<lower=0> sigma;
}
model {
  matrix[n, n] cov = cov_exp_quad(x, alpha, rho) + diag_matrix(rep_vector(sigma, n));
  rho ~ gamma(25, 4);
  alpha ~ normal(0, 2);
  sigma ~ normal(0, 1);
  y ~ multi_normal_cholesky(rep_vector(0, n), cholesky_decompose(cov));
}
