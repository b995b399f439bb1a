data {
  int n;
  int K;
  matrix[n, K] X;
  vector[n] Y;
}
transformed data {
  int columns = K - 1;
  matrix[n, columns] centred;
  for (i in 2:K) centred[, i - 1] = X[, i] - mean(X[, i]);
}
parameters {
  vector[columns] b;
  real Intercept;
  real<lower=0> sigma;
}
model {
  b ~ normal(0, 1);
  Intercept ~ student_t(3, 8, 10);
  sigma ~ student_t(3, 0, 10);
  Y ~ normal_id_glm(centred, Intercept, b, sigma);
}
