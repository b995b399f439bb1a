data {
  int n;
  vector[n] y;
  vector<lower=0>[n] sigma;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[n] z;
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);
  z ~ normal(0, 1);
  y ~ normal(mu + tau * z, sigma);
}
