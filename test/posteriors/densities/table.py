"""The table stan-programs.md: each Stan program of posteriordb, what it uses, and how that is said here.

    python3 test/posteriors/stan-programs.py PATH_OF_THE_CLONE > test/posteriors/stan-programs.md

PATH may be a bare repository. What a program uses is read from its source by name; NAMED says it in words of ours, and a program with a name that is not in it is
listed as one that cannot be said.
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
    "simplex": "Dirichlet, flat(simplex)", "ordered": "flat(orderedVector) and factor", "positive_ordered": "flat(positiveOrderedVector) and factor",
    "gp_exp_quad_cov": "kernels.rbf", "cholesky_decompose": "cholesky", "eigenvectors_sym": "eigh", "eigenvalues_sym": "eigh",
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
WORDS = {
    "hmm_drive_0": "HiddenMarkov", "hmm_drive_1": "HiddenMarkov", "hmm_example": "HiddenMarkov", "hmm_gaussian": "HiddenMarkov",
    "iohmm_reg": "scan (transitions depend on inputs), logsumexp", "arma11": "scan", "garch11": "scan, flat", "ldaK2": "Mixture of the rows of topics",
    "ldaK5": "Mixture of the rows of topics", "covid19imperial_v2": "scan (renewal)", "covid19imperial_v3": "scan (renewal)", "prophet": "cumsum of changes in slope",
    "dogs": "cumsum of the data", "dogs_log": "cumsum of the data", "dogs_hierarchical": "cumsum of the data", "dogs_nonhierarchical": "cumsum of the data",
    "state_space_stochastic_level_stochastic_seasonal": "GaussianRandomWalk, or LinearGaussianStateSpace with a season", "bym2_offset_only": "factor of differences of neighbours",
    "accel_gp": "hilbertSpaceFeatures", "M0_model": "a latent class each row, summed out", "Mb_model": "a latent class each row, summed out", "Mh_model": "a latent class each row, summed out",
    "Mt_model": "a latent class each row, summed out", "Mtbh_model": "a latent class each row, summed out", "Mth_model": "a latent class each row, summed out",
    "multi_occupancy": "latent classes summed out", "Survey_model": "logsumexp over the size of the population", "losscurve_sislob": "gather",
}

posteriors = [json.loads(git("show", f"HEAD:{path}")) for path in git("ls-tree", "-r", "--name-only", "HEAD", "posterior_database/posteriors").split()]
written = {m for folder in [os.path.join(here, "programs")] for f in os.listdir(folder) for m in re.findall(r'"[\w.]+-(\w+)"', open(os.path.join(folder, f)).read())}
written |= {"nes"}

rows, missing = [], 0
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
    if name in WORDS:
        words.insert(0, WORDS[name])
    said = "no: " + ", ".join(unknown) if unknown else "written" if name in written else "yes"
    missing += bool(unknown)
    rows.append(f"| {name} | {', '.join(dict.fromkeys(words)) or 'Normal'} | {said} |")

print("# Stan programs of posteriordb\n")
print(
    f"The {len(rows)} Stan programs of [posteriordb](https://github.com/stan-dev/posteriordb) (BSD 3-clause), in our words; made by `stan-programs.py`. {len(rows) - missing} of them use nothing "
    f"that cannot be said here, without a subclass and without an unrolled loop. The {sum('| written |' in r for r in rows)} with reference draws or published moments are written in `programs/`; whether the others can be said is read off what "
    "they use and not tried.\n"
)
print("| program | beyond normals and arithmetic | can be said |\n|---|---|---|")
print("\n".join(sorted(rows, key=str.lower)))
