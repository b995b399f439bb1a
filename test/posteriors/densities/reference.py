"""Log densities and directional derivatives of posteriordb's Stan programs, by Stan itself.

    python3 test/posteriors/densities/reference.py PATH_OF_THE_CLONE [NAME ...]

Writes references/NAME.json.gz beside itself: the data, which are posteriordb's (https://github.com/stan-dev/posteriordb, BSD 3-clause) or the part of them that
DATA takes, and at random points the values of the parameters, the log density without Jacobian, and its derivative along a random direction, with the values of
the parameters a step of 1e-4 ahead and behind. PATH may be a bare repository. Programs become C++ by the stanc of rstan 2.21 (Debian's r-cran-rstan), with the array
syntax and the names of its time, without what is only drawn afterwards, and with tolerances of 1e-10 for differential equations. Twelve are compiled at a time, in some minutes.
"""
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))


def read(clone, path):
    return subprocess.run(["git", "-C", clone, "show", f"HEAD:posterior_database/{path}"], check=True, capture_output=True).stdout


def unzipped(clone, name):
    with zipfile.ZipFile(io.BytesIO(read(clone, f"data/data/{name}.json.zip"))) as archive:
        return json.loads(archive.read(archive.namelist()[0]))


def keep(*names):
    return lambda d: {k: d[k] for k in names}


def rows(count, every, names, **lengths):
    """Every so-many-th of the rows of these fields."""
    return lambda d: {**{k: d[k][::every] for k in names}, count: len(d[names[0]][::every]), **{k: d[k] for k in lengths}}


def where(d, chosen, names):
    return {k: [v for v, c in zip(d[k], chosen) if c] for k in names}


def counties(index, names, most=12):
    def part(d):
        out = where(d, [c <= most for c in d[index]], [index, *names])
        return {**out, "N": len(out[index]), "J": most}
    return part


def captures(every, *names):
    return lambda d: {"y": d["y"][::every], "M": len(d["y"][::every]), "T": d["T"]}


def persons(most, described=True):
    def part(d):
        chosen = {j: k + 1 for k, j in enumerate(range(1, d["J"] + 1, d["J"] // most)) if k < most}
        out = where(d, [j in chosen for j in d["jj"]], ["ii", "jj", "y"])
        out = {**out, "jj": [chosen[j] for j in out["jj"]], "N": len(out["y"]), "I": d["I"], "J": most}
        return {**out, "K": d["K"], "W": [d["W"][j - 1] for j in chosen]} if described else out
    return part


def covid(d, m=3, n=60):
    return {"M": m, "P": d["P"], "N0": d["N0"], "N": [min(k, n) for k in d["N"][:m]], "N2": n, "EpidemicStart": [min(s, n) for s in d["EpidemicStart"][:m]], "pop": d["pop"][:m],
            "SI": d["SI"][:n], "X": [x[:n] for x in d["X"][:m]], **{k: [row[:m] for row in d[k][:n]] for k in ("cases", "deaths", "f")}}


def glmm(d, most=10):
    out = where(d, [s <= most for s in d["obssite"]], ["obs", "obsyear", "obssite"])
    return {**out, "nobs": len(out["obs"]), "nyear": d["nyear"], "nsite": most, "nmis": 0, "misyear": [], "missite": []}


def butterfly(d, n=6, s=10):
    return {"n": n, "S": s, "J": d["J"], "K": d["K"], "X": d["X"][:n]}


def lsat(d):
    culm = [round(c / 20) for c in d["culm"]]
    return {"R": d["R"], "T": d["T"], "N": culm[-1], "culm": culm, "response": d["response"]}


def splines(d, every=3):
    out = {k: d[k][::every] for k in ("Y", "Xs", "Zs_1_1", "Xs_sigma", "Zs_sigma_1_1")}
    return {**out, "N": len(out["Y"]), **{k: d[k] for k in ("Ks", "knots_1", "Ks_sigma", "knots_sigma_1", "prior_only")}}


def digits(columns, classes):
    def part(d):
        x = np.array(d["x"])
        chosen = np.argsort(-x.var(0), kind="stable")[:columns]
        some = [i for i, y in enumerate(d["y"]) if y <= classes][:25]
        return {"N": len(some), "M": columns, "K": classes, "x": x[np.ix_(some, chosen)].tolist(), "y": [d["y"][i] for i in some]}
    return part


def lda(d, words=30, documents=20):
    chosen = [w <= words and m <= documents for w, m in zip(d["w"], d["doc"])]
    return {**where(d, chosen, ["w", "doc"]), "N": sum(chosen), "V": words, "M": documents, "alpha": d["alpha"], "beta": d["beta"][:words]}


def prophet(trend):
    def part(d):
        out = {k: d[k][::12] for k in ("t", "cap", "y", "X")}
        return {**out, "T": len(out["t"]), **{k: d[k] for k in ("K", "S", "t_change", "sigmas", "tau", "s_a", "s_m")}, "trend_indicator": trend}
    return part


def votes(d, states=12, years=5):
    chosen = [s <= states and t <= years for s, t in zip(d["state_ind"], d["year_ind"])]
    out = where(d, chosen, ["state_ind", "region_ind", "year_ind", "y"])
    return {**out, "N": len(out["y"]), "N_states": states, "N_regions": d["N_regions"], "N_years_obs": years, "N_years": years + 1, "state_region_ind": d["state_region_ind"][:states]}


def grid(d, n=5):
    return {"n1": n, "n2": n, "x1": d["x1"][:n], "y": [row[:n] for row in d["y"][:n]]}


def neighbours(d, n=50):
    chosen = [a <= n and b <= n for a, b in zip(d["node1"], d["node2"])]
    return {**where(d, chosen, ["node1", "node2"]), "N_edges": sum(chosen), "N": n, "y": d["y"][:n], "E": d["E"][:n], "scaling_factor": d["scaling_factor"]}


def series(count, length, *names):
    return lambda d: {**{k: d[k][:length] if isinstance(d[k], list) else d[k] for k in names}, count: length}


def shrinkage(d, columns=15):
    return {**{k: v for k, v in d.items() if k != "x"}, "x": [row[:columns] for row in d["x"]], "d": columns}


def scored(i, j):
    return lambda d: {"I": i, "J": j, "y": [row[:j] for row in d["y"][:i]]}


def loss(growth):
    return lambda d: {**d, "growthmodel_id": growth}


RADON = ["floor_measure", "log_radon"]
WELLS = rows("N", 20, ["switched", "dist", "arsenic", "assoc", "educ"])
# Name of the reference: program, data of posteriordb, the part of them, the half width of the unconstrained coordinates and their centre.
DATA = {
    "hmm_gaussian": ("hmm_gaussian_simulated", series("T", 60, "K", "y")),
    "iohmm_reg": ("iohmm_reg_simulated", series("T", 60, "K", "M", "y", "u")),
    "sir": ("sir", None, 0.2, -1, -2.2, 2.5, -1.1), "soil_incubation": ("soil_carbon", keep("totalC_t0", "t0", "N_t", "ts", "eCO2mean"), 0.2, -1, -2, -2, -1, 1, -1),
    "covid19imperial_v2": ("ecdc0401", covid, 0.5), "covid19imperial_v3": ("ecdc0501", lambda d: covid(d, 2, 100), 0.5),
    "M0_model": ("M0_data", captures(8)), "Mb_model": ("Mb_data", captures(11)), "Mt_model": ("Mt_data", captures(8)),
    "Mh_model": ("Mh_data", captures(13)), "Mtbh_model": ("Mtbh_data", captures(5)), "Mth_model": ("Mth_data", captures(13)),
    "multi_occupancy": ("butterfly", butterfly), "Survey_model": ("Survey_data", None),
    "kronecker_gp": ("synthetic_grid_RBF_kernels", grid), "hierarchical_gp": ("state_wide_presidential_votes", votes, 0.5),
    "bym2_offset_only": ("traffic_accident_nyc", neighbours),
    "state_space_stochastic_level_stochastic_seasonal": ("uk_drivers", series("n", 40, "y", "x", "w")),
    "prophet": ("rstan_downloads", prophet(0)), "prophet-logistic": ("rstan_downloads", prophet(1), 0.3),
    "losscurve_sislob": ("loss_curves", loss(1)), "losscurve_sislob-loglogistic": ("loss_curves", loss(0)),
    "ldaK2": ("three_docs1200", None), "ldaK5": ("prideprejudice_paragraph", lda),
    "2pl_latent_reg_irt": ("fims_Aus_Jpn_irt", persons(15)), "gpcm_latent_reg_irt": ("timssAusTwn_irt", persons(15)), "grsm_latent_reg_irt": ("science_irt", persons(15)),
    "hier_2pl": ("sat", persons(15, False)), "irt_2pl": ("irt_2pl", scored(8, 15)), "lsat_model": ("lsat_data", lsat),
    "nn_rbm1bJ10": ("mnist_100", digits(6, 10)), "nn_rbm1bJ100": ("mnist_100", digits(2, 3)),
    "logistic_regression_rhs": ("ovarian", shrinkage), "accel_splines": ("mcycle_splines", splines),
    "election88_full": ("election88", lambda d: {**{k: v[::40] for k, v in d.items() if isinstance(v, list)}, **{k: v for k, v in d.items() if not isinstance(v, list)}, "N": len(d["y"][::40])}),
    "bones_model": ("bones_data", None),
    "dogs": ("dogs", None, 0.2), "dogs_hierarchical": ("dogs", None), "dogs_log": ("dogs", None), "dogs_nonhierarchical": ("dogs", None),
    "dugongs_model": ("dugongs_data", None), "rats_model": ("rats_data", None),
    "seeds_model": ("seeds_data", None), "seeds_centered_model": ("seeds_data", None), "seeds_stanified_model": ("seeds_data", None), "surgical_model": ("surgical_data", None),
    "GLM_Binomial_model": ("GLM_Binomial_data", None), "GLM_Poisson_model": ("GLM_Poisson_Data", None, 0.2), "GLMM1_model": ("GLMM_data", glmm), "GLMM_Poisson_model": ("GLMM_Poisson_data", None, 0.2),
    "normal_mixture": ("normal_2", lambda d: {"N": 100, "y": d["y"][::10]}), "normal_mixture_k": ("normal_5", lambda d: {"K": 5, "y": d["y"][::17], "N": len(d["y"][::17])}),
    "low_dim_gauss_mix_collapse": ("low_dim_gauss_mix_collapse", lambda d: {"N": 100, "y": d["y"][::10]}),
    "nes_logit_model": ("nes_logit_data", rows("N", 10, ["income", "vote"])),
    "pilots": ("pilots", None), "sesame_one_pred_a": ("sesame_data", keep("N", "encouraged", "watched")),
    "eight_schools_centered": ("eight_schools", None),
    "radon_county": ("radon_mod", counties("county", ["y"])),
    **{f"radon_{k}": ("radon_mn", counties("county_idx", RADON + ["log_uppm"])) for k in (
        "county_intercept", "hierarchical_intercept_centered", "hierarchical_intercept_noncentered", "partially_pooled_centered", "partially_pooled_noncentered", "pooled",
        "variable_intercept_centered", "variable_intercept_noncentered", "variable_intercept_slope_centered", "variable_intercept_slope_noncentered",
        "variable_slope_centered", "variable_slope_noncentered")},
    **{f"Rate_{k}_model": (f"Rate_{k}_data", None) for k in range(1, 6)},
    **{f"wells_{k}": ("wells_data", WELLS, 0.2) for k in (
        "daae_c_model", "dae_c_model", "dae_inter_model", "dae_model", "dist", "dist100_model", "dist100ars_model", "interaction_c_model", "interaction_model")},
}


def of_2019(source):
    """The program in the syntax of Stan 2.21, without its generated quantities."""
    source = source.split("generated quantities")[0]
    source = re.sub(r"/\*.*?\*/", "", re.sub(r"//.*", "", source), flags=re.S)
    # Arguments and results of functions: array[,] real x is real[,] x.
    source = re.sub(r"array\[([ ,]*)\] (real|int|vector|matrix)", lambda m: f"{m[2]}[{m[1]}]", source)
    if "functions {" in source:
        body = source.index("data {")
        source = re.sub(r"\b(real|int)((?:\[[ ,]*\]) \w+\([^)]*\) \{)", r"\1\2", source[:body]) + source[body:]
    # Variables: array[N, M] real<lower=0> x is real<lower=0> x[N, M].
    source = re.sub(r"array\[([^\]]*)\]\s+(\w+(?:<[^;]*?>)?(?:\[[^\]]*\])?)\s+(\w+)\s*(?=[;=])", r"\2 \3[\1] ", source)
    source = source.replace("gp_exp_quad_cov", "cov_exp_quad")
    return re.sub(r"(integrate_ode_rk45\([^;]*?)\)(?=;)", r"\1, 1e-10, 1e-10, 100000)", source)


def dumped(data):
    """In R's dump format, as Stan reads data: matrices column by column."""
    lines = []
    for name, value in data.items():
        if not isinstance(value, list):
            lines.append(f"{name} <- {value!r}")
            continue
        if not value:
            lines.append(f"{name} <- integer(0)")
            continue
        array = np.array(value)
        numbers = ", ".join(repr(v) for v in array.flatten(order="F").tolist())
        shape = ", ".join(map(str, array.shape))
        lines.append(f"{name} <- structure(c({numbers}), .Dim = c({shape}))" if array.ndim > 1 or array.size == 1 else f"{name} <- c({numbers})")
    return "\n".join(lines) + "\n"


def include():
    packages = ["StanHeaders", "RcppEigen", "RcppParallel"]
    folders = subprocess.run(["Rscript", "-e", f"for (p in c({str(packages)[1:-1]})) cat(system.file('include', package = p), '')"], check=True, capture_output=True, text=True).stdout.split()
    return [f"-I{folder}" for folder in [*folders, os.path.join(folders[0], "src"), here]]


def by_name(shapes, values):
    """Rows of a flat array of Stan, in the order of ours: the last index runs first."""
    out, start = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape)) if shape else 1
        out[name] = np.array(values[start:start + size]).reshape(shape, order="F").flatten().tolist()
        start += size
    return out


def compiled(clone, programs, folder, flags):
    """One executable with several programs, because most of the time goes into what they share; its first argument says which."""
    names = {program: re.sub(r"^(\d)", r"p\1", program) for program in programs}
    for program, name in names.items():
        with open(os.path.join(folder, f"{name}.stan"), "w") as file:
            file.write(of_2019(read(clone, f"models/stan/{program}.stan").decode()))
    every = ", ".join(f"'{name}'" for name in names.values())
    stanc = "rstan::stanc(paste0(n, '.stan'), model_name = n, obfuscate_model_name = FALSE)$cppcode"
    script = f"for (n in c({every})) tryCatch(writeLines({stanc}, paste0(n, '.inc')), error = function(e) message(n, ': ', conditionMessage(e)))"
    made = subprocess.run(["Rscript", "-e", script], cwd=folder, check=True, capture_output=True, text=True)
    known = [(program, name) for program, name in names.items() if os.path.exists(os.path.join(folder, f"{name}.inc"))]
    if len(known) < len(names):
        print(made.stderr, flush=True)
    lines = ['#include "stan.hpp"', "#include <cstring>", *(
        f'#define stan_model stan_model_{name}\n#include "{os.path.join(folder, name)}.inc"\n#undef stan_model' for _, name in known)]
    lines.append("int main(int n, char** a) {")
    lines += [f'  if (!strcmp(a[1], "{program}")) return reference<model_{name}_namespace::model_{name}>(n - 1, a + 1);' for program, name in known]
    executable = os.path.join(folder, "group")
    with open(f"{executable}.cpp", "w") as file:
        file.write("\n".join([*lines, "}", ""]))
    subprocess.run(["g++", *flags, f"{executable}.cpp", "-o", executable], check=True)
    return executable, {program for program, _ in known}


def write_sources(clone):
    listed = lambda value: " ".join(value if isinstance(value, list) else [value] if value else ["none given"])
    with open(os.path.join(here, "references", "SOURCES.md"), "w") as file:
        file.write("# Data sets\n\nData of posteriordb (https://github.com/stan-dev/posteriordb, BSD 3-clause, © Stan Developers and their Assignees), or the part of them that "
                   "`DATA` in `reference.py` takes.\nReferences are keys of its `bibliography/references.bib`.\n\n| data | title | address | references |\n|---|---|---|---|\n")
        for source in sorted({source for source, *_ in DATA.values()}):
            info = json.loads(read(clone, f"data/info/{source}.info.json"))
            file.write(f"| {source} | {info['title']} | {listed(info.get('urls'))} | {listed(info.get('references'))} |\n")


def main(clone, names):
    os.makedirs(os.path.join(here, "references"), exist_ok=True)
    write_sources(clone)
    folder = os.environ.get("STAN_FOLDER") or tempfile.mkdtemp()
    flags = ["-std=c++14", "-O0", "-w", "-DUSING_R", "-DBOOST_DISABLE_ASSERTS", *include()]
    # The headers are read once.
    pre = os.path.join(folder, "stan.hpp.gch")
    if not os.path.exists(pre):
        subprocess.run(["g++", *flags, "-x", "c++-header", os.path.join(here, "stan.hpp"), "-o", pre], check=True)
    flags.insert(0, f"-I{folder}")
    path = lambda name: os.path.join(here, "references", f"{name}.json.gz")
    wanted = [name for name in names or DATA if names or not os.path.exists(path(name))]
    for start in range(0, len(wanted), 12):
        group = wanted[start:start + 12]
        executable, known = compiled(clone, list(dict.fromkeys(name.split("-")[0] for name in group)), folder, flags)
        for name in group:
            program = name.split("-")[0]
            if program not in known:
                continue
            source, part, *width = DATA[name]
            data = unzipped(clone, source)
            data = part(data) if part else data
            with open(os.path.join(folder, "data.R"), "w") as file:
                file.write(dumped(data))
            out = subprocess.run([executable, program, os.path.join(folder, "data.R"), "1", "3", *map(str, width or [1])], capture_output=True, text=True)
            try:
                made = json.loads(out.stdout)
                points = [{**point, **{k: by_name(made["shapes"], point[k]) for k in ("at", "ahead", "behind")}} for point in made["points"]]
            except ValueError as error:
                print(f"{name}: {error} {out.stderr[-1500:]}", flush=True)
                continue
            with open(path(name), "wb") as file:
                file.write(gzip.compress(json.dumps({"source": source, "data": data, "points": points}, separators=(",", ":")).encode(), 9, mtime=0))
            print(f"{name}: {os.path.getsize(path(name))} bytes, {[round(p['logDensity'], 3) for p in points]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
