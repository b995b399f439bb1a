data {
  int n;
  real y[n];
}
parameters {
  simplex[2] theta1;
  simplex[2] theta2;
  positive_ordered[2] mu;
}
model {
  real before[2];
  real now[2];
  real terms[2];
  mu[1] ~ normal(3, 1);
  mu[2] ~ normal(10, 1);
  for (k in 1:2) before[k] = normal_lpdf(y[1] | mu[k], 1);
  for (t in 2:n) {
    for (k in 1:2) {
      terms[1] = before[1] + log(theta1[k]);
      terms[2] = before[2] + log(theta2[k]);
      now[k] = log_sum_exp(terms) + normal_lpdf(y[t] | mu[k], 1);
    }
    before = now;
  }
  target += log_sum_exp(before);
}
