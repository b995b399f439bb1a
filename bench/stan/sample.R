# Rscript sample.R FOLDER OUT SEED TARGET METRIC DEPTH DRAWS: compiles FOLDER/model.stan unless FOLDER/model.rds exists, draws 4 x (1000 + DRAWS) from
# FOLDER/data.R with this target of acceptance, metric and largest depth of a tree, and writes OUT/draws.csv, one column a parameter, chain after chain, and
# OUT/seconds.txt: CPU time of warm-up and draws, as Stan's own clock gives it.
suppressMessages(library(rstan))
arguments <- commandArgs(trailingOnly = TRUE)
folder <- arguments[1]
out <- arguments[2]
seed <- as.integer(arguments[3])
control <- list(adapt_delta = as.numeric(arguments[4]), metric = arguments[5], max_treedepth = as.integer(arguments[6]))
draws <- as.integer(arguments[7])
rstan_options(auto_write = TRUE)
# Debian keeps Boost among the system's headers.
boost <- if (nzchar(system.file("include", package = "BH"))) NULL else "/usr/include"
# R says of codetools, which only checks, that it is missing.
compiled <- suppressMessages(stan_model(file.path(folder, "model.stan"), boost_lib = boost))
data <- read_rdump(file.path(folder, "data.R"))
fit <- suppressMessages(sampling(compiled, data = data, chains = 4, iter = 1000 + draws, warmup = 1000, cores = 1, seed = seed, control = control, refresh = 0))
kept <- extract(fit, permuted = FALSE, include = TRUE)
flat <- do.call(rbind, lapply(seq_len(dim(kept)[2]), function(chain) kept[, chain, ]))
write.csv(flat, file.path(out, "draws.csv"), row.names = FALSE)
writeLines(as.character(sum(get_elapsed_time(fit))), file.path(out, "seconds.txt"))
