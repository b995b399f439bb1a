// Writes, for a Stan model and its data (an R dump), log densities without Jacobian and derivatives along random directions, as JSON.
// Arguments: data file, seed, points, half width of the unconstrained coordinates, and their centre, which is 0 if it is not given.
#include <stan/model/model_header.hpp>
#include <stan/io/dump.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>

template <class Model>
int reference(int argc, char** argv) {
  std::ifstream file(argv[1]);
  stan::io::dump data(file);
  const unsigned seed = std::stoul(argv[2]);
  const int points = std::stoi(argv[3]);
  const double width = std::stod(argv[4]), step = 1e-4;
  std::mt19937 words(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  boost::ecuyer1988 unused(seed);
  Model model(data, seed, &std::cerr);
  const size_t n = model.num_params_r();
  std::vector<double> centre(n, 0);
  for (size_t i = 0; i < n && 5 + i < static_cast<size_t>(argc); i++) centre[i] = std::stod(argv[5 + i]);
  std::vector<std::string> names;
  std::vector<std::vector<size_t>> dims;
  model.get_param_names(names);
  model.get_dims(dims);
  std::vector<std::string> flat;
  model.constrained_param_names(flat, false, false);
  const auto number = [](double v) { printf("%.17g", v); };
  printf("{\"shapes\":{");
  size_t seen = 0;
  for (size_t i = 0; i < names.size() && seen < flat.size(); i++) {
    size_t size = 1;
    printf("%s\"%s\":[", i ? "," : "", names[i].c_str());
    for (size_t d = 0; d < dims[i].size(); d++) {
      size *= dims[i][d];
      printf("%s%zu", d ? "," : "", dims[i][d]);
    }
    printf("]");
    seen += size;
  }
  printf("},\"points\":[");
  std::vector<int> none;
  const auto constrained = [&](std::vector<double> u) {
    std::vector<double> values;
    model.write_array(unused, u, none, values, false, false, &std::cerr);
    printf("[");
    for (size_t i = 0; i < values.size(); i++) {
      if (i) printf(",");
      number(values[i]);
    }
    printf("]");
  };
  for (int p = 0; p < points; p++) {
    std::vector<double> u(n), v(n), gradient, up(n), down(n);
    // Where a value is outside a support, another point.
    double value = NAN;
    for (int tries = 0; tries < 100 && !std::isfinite(value); tries++) {
      for (size_t i = 0; i < n; i++) u[i] = centre[i] + width * uniform(words);
      value = stan::model::log_prob_grad<false, false>(model, u, none, gradient, &std::cerr);
    }
    for (auto& each : v) each = uniform(words);
    double along = 0;
    for (size_t i = 0; i < n; i++) {
      along += gradient[i] * v[i];
      up[i] = u[i] + step * v[i];
      down[i] = u[i] - step * v[i];
    }
    printf("%s{\"logDensity\":", p ? "," : "");
    number(value);
    printf(",\"along\":");
    number(along);
    printf(",\"at\":");
    constrained(u);
    printf(",\"ahead\":");
    constrained(up);
    printf(",\"behind\":");
    constrained(down);
    printf("}");
  }
  printf("]}\n");
  return 0;
}
