# Rscript sample.R FOLDER SEED: compiles FOLDER/model.stan unless FOLDER/model.rds exists, draws 4 x (1000 + 1000) from FOLDER/data.R, and writes draws.csv,
# one column a parameter, chain after chain, and seconds.txt: CPU time of warm-up and draws, as Stan's own clock gives it.
suppressMessages(library(rstan))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
seed <- as.integer(arguments[2])
rstan_options(auto_write = TRUE)
# Debian keeps Boost among the system's headers.
compiled <- stan_model(
  file.path(folder, "model.stan"),
  boost_lib = if (nzchar(system.file("include", package = "BH"))) NULL else "/usr/include"
)
fit <- sampling(compiled, data = read_rdump(file.path(folder, "data.R")), chains = 4, iter = 2000, warmup = 1000, cores = 1, seed = seed, refresh = 0)
draws <- extract(fit, permuted = FALSE, include = TRUE)
flat <- do.call(rbind, lapply(seq_len(dim(draws)[2]), function(chain) draws[, chain, ]))
write.csv(flat, file.path(folder, "draws.csv"), row.names = FALSE)
writeLines(as.character(sum(get_elapsed_time(fit))), file.path(folder, "seconds.txt"))
