"""The table docs/notebook/stan-programs.md: each Stan program of posteriordb, what it uses, where it is written, and what it was compared with.

    python3 test/posteriors/densities/table.py PATH_OF_THE_CLONE > docs/notebook/stan-programs.md

PATH may be a bare repository. What a program uses is read from its source by name; NAMED says it in words of ours, WORDS what names do not show.
"""
import json
import os
import re
import subprocess
import sys

clone = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
git = lambda *args: subprocess.run(["git", "-C", clone, *args], check=True, capture_output=True, text=True).stdout

# Stan's functions and types, in the order in which they are shown.
NAMED = {
    "integrate_ode_rk45": "odeint", "integrate_ode_bdf": "odeint",
    "cholesky_factor_corr": "LKJCholesky", "corr_matrix": "matmul", "cov_matrix": "matmul", "lkj_corr_cholesky": "LKJCholesky",
    "simplex": "flat(simplex)", "ordered": "flat(orderedVector) and factor", "positive_ordered": "flat(positiveOrderedVector) and factor",
    "gp_exp_quad_cov": "kernels.rbf or its formula", "cholesky_decompose": "cholesky", "eigenvectors_sym": "eigh", "eigenvalues_sym": "eigh",
    "multi_normal": "MultivariateNormal", "multi_normal_cholesky": "MultivariateNormal", "student_t": "StudentT", "cauchy": "Cauchy, HalfCauchy",
    "student_t_lccdf": "truncate", "lognormal": "LogNormal", "gamma": "Gamma", "inv_gamma": "InverseGamma", "exponential": "Exponential", "weibull": "Weibull",
    "beta": "Beta", "dirichlet": "Dirichlet", "uniform": "Uniform", "logistic": "Logistic", "double_exponential": "Laplace", "std_normal": "Normal",
    "normal_id_glm": "Normal of a matmul", "bernoulli": "Bernoulli", "bernoulli_logit": "Bernoulli", "bernoulli_logit_glm": "Bernoulli of a matmul",
    "binomial": "Binomial", "binomial_logit": "Binomial", "poisson": "Poisson", "poisson_log": "Poisson", "neg_binomial_2": "NegativeBinomial",
    "categorical": "Categorical", "categorical_logit": "Categorical", "log_mix": "Mixture", "log_sum_exp": "logsumexp", "softmax": "softmax", "cumulative_sum": "cumsum",
}
# Arithmetic, shapes and constants, which need no word.
PLAIN = set(
    "normal sum mean sd max min log exp sqrt square pow prod rep_vector rep_matrix rep_array rep_row_vector to_vector to_matrix rows cols size dims col sub_col "
    "segment tail append_row append_col dot_product dot_self inv_logit logit tanh log10 pi transpose negative_infinity diag_matrix diag_pre_multiply quad_form_diag "
    "multiply_lower_tri_self_transpose log_inv_logit log1m_inv_logit".split()
)
# What the names do not show.
SUMMED = "Bernoulli site summed out in its plate"
WORDS = {
    "hmm_drive_0": "HiddenMarkov", "hmm_drive_1": "HiddenMarkov", "hmm_example": "HiddenMarkov", "hmm_gaussian": "HiddenMarkov, factor",
    "iohmm_reg": "scan, factor", "arma11": "scan", "garch11": "scan", "ldaK2": "Mixture of Categorical", "ldaK5": "Mixture of Categorical",
    "covid19imperial_v2": "scan that carries the days before, matmul", "covid19imperial_v3": "scan that carries the days before, matmul", "prophet": "scan for the logistic trend, matmul",
    "dogs": "counts of the data", "dogs_log": "counts of the data", "dogs_hierarchical": "counts of the data", "dogs_nonhierarchical": "counts of the data",
    "state_space_stochastic_level_stochastic_seasonal": "factor over sums of twelve months, flat(interval)", "bym2_offset_only": "gather, factor of differences of neighbours",
    "accel_gp": "matmul with eigenfunctions", **{f"M{k}_model": SUMMED for k in ("0", "b", "h", "t", "tbh", "th")},
    "multi_occupancy": "Bernoulli sites summed out, in a plate and in a plate inside it", "Survey_model": "Categorical site summed out", "losscurve_sislob": "gather",
    "bones_model": "gather, OrderedLogistic", "election88_full": "gather", "pilots": "gather", "rats_model": "gather",
    **{f"{k}_latent_reg_irt": "gather, factor" for k in ("2pl", "gpcm", "grsm")}, "hier_2pl": "gather", "hierarchical_gp": "gather", "nn_rbm1bJ10": "matmul, tanh", "nn_rbm1bJ100": "matmul, tanh",
}


def place(name):
    """The file that a program is written in."""
    for folder in ("test/posteriors/programs", "test/posteriors/densities/programs"):
        for file in sorted(os.listdir(os.path.join(root, folder))):
            text = open(os.path.join(root, folder, file)).read()
            found = re.findall(r'"[\w.]+-(\w+)"', text) if "densities" not in folder else re.findall(r'"(\w+)"', text)
            if name in found or "densities" in folder and re.sub("_(non)?centered$", "", name) in found or name == "nes" and file == "regressions.ts":
                return f"`{folder}/{file}`"
    return None


root = os.path.join(here, "..", "..", "..")
reference = {key.split("-")[1] for key in json.load(open(os.path.join(here, "..", "reference.json")))}
densities = {file.split(".")[0].split("-")[0] for file in os.listdir(os.path.join(here, "references")) if file.endswith(".gz")}
rows = []
for path in git("ls-tree", "-r", "--name-only", "HEAD", "posterior_database/models/stan").split():
    if not path.endswith(".stan"):
        continue
    name = os.path.basename(path)[:-5]
    source = re.sub(r"/\*.*?\*/", "", re.sub(r"//.*", "", git("show", f"HEAD:{path}")), flags=re.S)
    # What is only drawn afterwards is `predictive`'s.
    model = source.split("generated quantities")[0]
    own = set(re.findall(r"\b(\w+)\s*\(", model.split("data {")[0])) if "functions {" in model else set()
    own = {f for f in own if re.search(r"\b(real|vector|matrix|void|int|array\[[^\]]*\]\s*\w+)\s+" + f + r"\s*\(", model)}
    calls = {re.sub(r"_(lpdf|lpmf)$", "", c) for c in re.findall(r"\b([a-z]\w*)\s*\(", model)} - own - {"for", "if", "while", "in", "return"}
    types = set(re.findall(r"\b(simplex|ordered|positive_ordered|cholesky_factor_corr|corr_matrix|cov_matrix)\b", model))
    unknown = sorted(c for c in calls | types if c not in NAMED and c not in PLAIN)
    words = [NAMED[c] for c in NAMED if c in calls | types]
    parameters = re.search(r"\bparameters\s*\{(.*?)\n\}", model, re.S)
    names = re.findall(r"\b(\w+)\s*(?:\[[^\]]*\])?\s*;", parameters.group(1)) if parameters else []
    body = model.split("model {")[-1]
    improper = [p for p in names if not re.search(rf"\b{p}\b[^;\n]*~|(?:lpdf|lpmf)\(\s*{p}\b", body)]
    if improper and not any(f"{p}" in body and "target" in body for p in improper):
        words.append("flat")
    if "dirichlet" in calls:
        words.remove("flat(simplex)")
    if name in WORDS:
        words = [WORDS[name], *(word for word in words if word not in ("logsumexp", "softmax", "cumsum") or word in WORDS[name])]
    assert not unknown, f"{name}: no words for {unknown}"
    compared = "reference draws" if name in reference else "Stan's density" if name in densities else "nothing yet"
    rows.append(f"| {name} | {', '.join(dict.fromkeys(', '.join(words).split(', '))) or 'Normal'} | {place(name) or 'not said'} | {compared} |")

counts = {kind: sum(row.endswith(f"| {kind} |") for row in rows) for kind in ("reference draws", "Stan's density", "nothing yet")}
print(f"""# Stan programs of posteriordb

The {len(rows)} Stan programs of [posteriordb](https://github.com/stan-dev/posteriordb) (BSD 3-clause), written in the library's own words from the definitions of the models: no
subclass of `Distribution`, no loop over time that is unrolled. {sum("not said" not in row for row in rows)} of {len(rows)} are said. {counts["reference draws"]} were compared with posteriordb's
reference draws ([Reference posteriors](./posteriors.md)), and {counts["Stan's density"]} with Stan itself.

```sh
npm test -- test/posteriors/densities
```

This compares log densities and derivatives with those that Stan 2.21 computed, at random points in the space of the parameters
(`test/posteriors/densities/reference.py` makes them, from the Stan programs and posteriordb's data, or part of them where there are many). Log densities are without
Jacobian and known up to a constant, so it is their differences between points that are compared, to 10⁻¹¹ of their size (10⁻⁷ where differential equations are solved); derivatives are taken along random directions, to 10⁻⁶. The table is
made by `test/posteriors/densities/table.py`.

## What was found

- **Capture and recapture, and occupancy.** A Bernoulli site that says whether a row is an animal at all makes a capture impossible where it is 0. The log
  density was right, and its derivative NaN: ln 0 has an infinite derivative, and an impossible value's share of it is 0 · ∞. `nuts` could not start. Of the families of
  counts only `Categorical`, `OneHotCategorical` and `Multinomial` were right. All are now, and `test/inference/impossible-values.test.ts` holds them to it.
- **Dogs that remember.** The probability of a shock is aᵏ bᵐ, computed as the exponential of k ln a + m ln b, and certain at the first trial. The density of a certain outcome was 0 · −∞,
  NaN, where a Bernoulli's probability is known by its logarithm. It is 0 now.
- **Missing in the library:** nothing that stopped a program. A prior of a vector that is ordered or sums to zero is a `flat` site and a `factor`; a family
  for either would say it in a line. Three say the data themselves as a `factor`, because what they have is no family of ours: `iohmm_reg` (see below), `kronecker_gp` (a normal with a
  Kronecker product as its covariance, without the constant) and the season of `state_space_stochastic_level_stochastic_seasonal` (a density of sums of twelve months).
- **Mended:** `Binomial` refused a total of whole numbers in an integer dtype, as a `Categorical` site has.
- **Programs that do not say what they mean.** Five of posteriordb's, written here as they are, so that densities agree. `hmm_gaussian` gives the first value the densities of all
  states, whichever the first state is. `iohmm_reg` takes the probability of a transition from the state that is left. The three `latent_reg_irt` mean to scale columns of two values
  by their range, but an operator binds tighter than was meant, and all are scaled by two standard deviations. `covid19imperial_v2` and `covid19imperial_v3` are the same file.

| program | beyond normals and arithmetic | written in | compared with |
|---|---|---|---|""")
print("\n".join(sorted(rows, key=str.lower)))
