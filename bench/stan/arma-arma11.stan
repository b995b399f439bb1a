data {
  int n;
  real y[n];
}
parameters {
  real mu;
  real phi;
  real theta;
  real<lower=0> sigma;
}
model {
  real error;
  mu ~ normal(0, 10);
  phi ~ normal(0, 2);
  theta ~ normal(0, 2);
  sigma ~ cauchy(0, 2.5);
  error = y[1] - mu - phi * mu;
  error ~ normal(0, sigma);
  for (t in 2:n) {
    error = y[t] - mu - phi * y[t - 1] - theta * error;
    error ~ normal(0, sigma);
  }
}
