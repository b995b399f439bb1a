"""Data and reference moments for `npm run posteriors`, out of a clone of posteriordb (https://github.com/stan-dev/posteriordb, BSD 3-clause):

    python3 test/posteriors/reference.py PATH_OF_THE_CLONE

Writes beside itself data/NAME.json.gz for each data set, and reference.json: for each posterior and each of its parameters the mean, its
Monte Carlo standard error, the standard deviation and its Monte Carlo standard error, over the reference draws (10 chains of 1000 that
Stan's NUTS drew with thinning, so that they are nearly independent). PATH may be a bare repository. Needs NumPy (Debian's python3-numpy).
"""
import gzip
import io
import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
clone = sys.argv[1]


def read(path):
    return subprocess.run(["git", "-C", clone, "show", f"HEAD:posterior_database/{path}"], check=True, capture_output=True).stdout


def unzipped(path):
    with zipfile.ZipFile(io.BytesIO(read(path))) as archive:
        return json.loads(archive.read(archive.namelist()[0]))


def effective_size(chains):
    """Geyer's initial positive sequence over the mean autocovariance of the chains; chains are rows."""
    m, n = chains.shape
    centred = chains - chains.mean(1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n, axis=1)) ** 2
    autocovariance = np.fft.irfft(spectrum, axis=1)[:, :n].mean(0) / n
    within = autocovariance[0] * n / (n - 1)
    pooled = autocovariance[0] + chains.mean(1).var(ddof=1)
    rho = 1 - (within - autocovariance * n / (n - 1)) / pooled
    rho[0] = 1
    time = -1.0
    for t in range(0, n - 1, 2):
        pair = rho[t] + rho[t + 1]
        if pair < 0:
            break
        time += 2 * pair
    return m * n / max(time, 0.25)


def moments(chains):
    """Mean, its error, sd, its error."""
    squares = (chains - chains.mean()) ** 2
    sd = chains.std(ddof=1)
    error = squares.std() / np.sqrt(effective_size(squares)) / (2 * sd)
    return [float(f"{v:.8g}") for v in (chains.mean(), sd / np.sqrt(effective_size(chains)), sd, error)]


# Their second moments do not exist: along V_m = r K_m the likelihood levels off, and two half-Cauchy priors leave a density of K_m^-3.
heavy = {("one_comp_mm_elim_abs-one_comp_mm_elim_abs", "K_m"), ("one_comp_mm_elim_abs-one_comp_mm_elim_abs", "V_m")}


def quantity(posterior, parameter, draws):
    """Name and draws of what is compared: a parameter, or the logarithm of one without a variance."""
    chains = np.array([chain[parameter] for chain in draws])
    return (f"log({parameter})", np.log(chains)) if (posterior, parameter) in heavy else (parameter, chains)


def summaries(name):
    folder = "reference_posteriors/summary_statistics"
    first, second = (json.loads(read(f"{folder}/{kind}/{kind}/{name}.json")) for kind in ("mean_value", "mean_squared_value"))
    assert first["names"] == second["names"]
    for what, mean, square in zip(first["names"], first["mean_value"], second["mean_squared_value"]):
        sd = np.sqrt(square - mean**2)
        yield what, [float(f"{v:.8g}") for v in (mean, sd / 100, sd, sd / 100 / np.sqrt(2))]


names = subprocess.run(["git", "-C", clone, "ls-tree", "--name-only", "HEAD", "posterior_database/reference_posteriors/draws/draws/"],
                       check=True, capture_output=True, text=True).stdout.split()
names = sorted(os.path.basename(name).removesuffix(".json.zip") for name in names)

# What the programs do not read.
unread = {"N", "K", "T", "J", "D", "N_t", "ts", "year", "mom_hs_new", "mom_iq_new", "xpred", "prior_only", "t0", "Kgp_1", "Dgp_1", "NBgp_1",
          "Kgp_sigma_1", "Dgp_sigma_1", "NBgp_sigma_1", "K_sigma", "X_sigma"}
reference, sources = {}, {}
for name in names:
    try:
        draws = unzipped(f"reference_posteriors/draws/draws/{name}.json.zip")
    except subprocess.CalledProcessError:
        # A partial clone has no large files. posteriordb gives means and means of squares too; their errors are those of 10000 independent normal draws.
        print(f"{name}: the clone lacks its draws; taken from its summaries")
        draws = None
    posterior = json.loads(read(f"posteriors/{name}.json"))
    data = posterior["data_name"]
    compared = summaries(name) if draws is None else (
        quantity(name, parameter, draws)
        for parameter in draws[0]
        # The second element of a simplex of two says nothing that the first has not said.
        if not re.fullmatch(r"theta[12]\[2\]", parameter)
    )
    reference[name] = {what: found if draws is None else moments(found) for what, found in compared}
    fields = {k: v for k, v in unzipped(f"data/data/{data}.json.zip").items() if k not in unread or (data, k) in {("arK", "K"), ("one_comp_mm_elim_abs", "D")}}
    with open(os.path.join(here, "data", f"{data}.json.gz"), "wb") as file:
        file.write(gzip.compress(json.dumps(fields, separators=(",", ":")).encode(), 9, mtime=0))
    info = json.loads(read(f"data/info/{data}.info.json"))
    sources[data] = (info["title"], info.get("urls"), info.get("references"))

lines = []
for name, parameters in reference.items():
    inner = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in parameters.items())
    lines.append(f"  {json.dumps(name)}: {{\n{inner}\n  }}")
with open(os.path.join(here, "reference.json"), "w") as file:
    file.write("{\n" + ",\n".join(lines) + "\n}\n")


def listed(value):
    return " ".join(value if isinstance(value, list) else [value] if value else ["none given"])


with open(os.path.join(here, "data", "SOURCES.md"), "w") as file:
    file.write("# Data sets\n\nAs posteriordb (https://github.com/stan-dev/posteriordb, BSD 3-clause, © Stan Developers and their Assignees) "
               "stores them, without the fields that nothing reads.\nReferences are keys of its `bibliography/references.bib`.\n\n"
               "| data | title | address | references |\n|---|---|---|---|\n")
    for data, (title, urls, references) in sorted(sources.items()):
        file.write(f"| {data} | {title} | {listed(urls)} | {listed(references)} |\n")
print(f"{len(reference)} posteriors, {sum(map(len, reference.values()))} parameters")
