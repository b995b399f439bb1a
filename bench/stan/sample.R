# Rscript sample.R FOLDER SEED TARGET METRIC DEPTH: compiles FOLDER/model.stan unless FOLDER/model.rds exists, draws 4 x (1000 + 1000) from FOLDER/data.R with
# this target of acceptance, metric and largest depth of a tree, and writes draws.csv, one column a parameter, chain after chain, and seconds.txt: CPU time of
# warm-up and draws, as Stan's own clock gives it.
suppressMessages(library(rstan))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
seed <- as.integer(arguments[2])
control <- list(adapt_delta = as.numeric(arguments[3]), metric = arguments[4], max_treedepth = as.integer(arguments[5]))
rstan_options(auto_write = TRUE)
# Debian keeps Boost among the system's headers.
compiled <- stan_model(
  file.path(folder, "model.stan"),
  boost_lib = if (nzchar(system.file("include", package = "BH"))) NULL else "/usr/include"
)
data <- read_rdump(file.path(folder, "data.R"))
fit <- sampling(compiled, data = data, chains = 4, iter = 2000, warmup = 1000, cores = 1, seed = seed, control = control, refresh = 0)
draws <- extract(fit, permuted = FALSE, include = TRUE)
flat <- do.call(rbind, lapply(seq_len(dim(draws)[2]), function(chain) draws[, chain, ]))
write.csv(flat, file.path(folder, "draws.csv"), row.names = FALSE)
writeLines(as.character(sum(get_elapsed_time(fit))), file.path(folder, "seconds.txt"))
