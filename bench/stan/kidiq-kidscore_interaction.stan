data {
  int n;
  vector[n] kid_score;
  vector[n] mom_hs;
  vector[n] mom_iq;
}
transformed data {
  vector[n] inter = mom_hs .* mom_iq;
}
parameters {
  vector[4] beta;
  real<lower=0> sigma;
}
model {
  sigma ~ cauchy(0, 2.5);
  kid_score ~ normal(beta[1] + beta[2] * mom_hs + beta[3] * mom_iq + beta[4] * inter, sigma);
}
