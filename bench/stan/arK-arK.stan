data {
  int n;
  int K;
  matrix[n, K] lagged;
  vector[n] y;
}
parameters {
  real alpha;
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(0, 10);
  beta ~ normal(0, 10);
  sigma ~ cauchy(0, 2.5);
  y ~ normal(alpha + lagged * beta, sigma);
}
