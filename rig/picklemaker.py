"""Writes ordinary pickles with the libraries that people use: run by rig.picklecorpus."""

import pickle
import sys
from functools import partial
from pathlib import Path
from typing import Any


def make(folder: Path) -> None:
    """Write the files."""
    import joblib  # noqa: PLC0415 - only where the rig has put these libraries on the path
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    x, y = np.random.default_rng(1).random((60, 4)), np.arange(60) % 3
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2024", "2025"])})
    for name, estimator in _estimators().items():
        fitted = estimator.fit(x, y)
        joblib.dump(fitted, folder / f"{name}.joblib", compress=3 if "forest" in name else 0)
        for protocol in (2, 5):
            (folder / f"{name}.{protocol}.pkl").write_bytes(pickle.dumps(fitted, protocol))
    frame.to_pickle(folder / "frame.pkl")
    joblib.dump({"x": x, "y": y, "frame": frame}, folder / "data.joblib")
    np.save(folder / "objects.npy", np.array([{"a": 1}, [1, 2], "text"], dtype=object))
    np.savez(folder / "arrays.npz", x=x, names=np.array(["a", "b"], dtype=object))
    (folder / "generator.pkl").write_bytes(pickle.dumps(np.random.default_rng(3)))
    (folder / "partial.pkl").write_bytes(pickle.dumps(partial(np.clip, a_min=0, a_max=1)))


def _estimators() -> dict[str, Any]:
    from sklearn import cluster, ensemble, linear_model, naive_bayes, neighbors  # noqa: PLC0415
    from sklearn import neural_network, pipeline, preprocessing, svm, tree  # noqa: PLC0415
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.gaussian_process import GaussianProcessClassifier  # noqa: PLC0415
    from sklearn.gaussian_process.kernels import RBF  # noqa: PLC0415
    from sklearn.model_selection import GridSearchCV  # noqa: PLC0415

    columns = [("scale", preprocessing.StandardScaler(), [0, 1])]
    scaled = pipeline.make_pipeline(preprocessing.StandardScaler(), PCA(2), svm.SVC())
    return {
        "linear": linear_model.LinearRegression(),
        "logistic": linear_model.LogisticRegression(),
        "sgd": linear_model.SGDClassifier(),
        "tree": tree.DecisionTreeClassifier(),
        "forest": ensemble.RandomForestClassifier(5),
        "boosting": ensemble.GradientBoostingClassifier(n_estimators=3),
        "histogram": ensemble.HistGradientBoostingClassifier(max_iter=3),
        "neighbours": neighbors.KNeighborsClassifier(),
        "bayes": naive_bayes.GaussianNB(),
        "network": neural_network.MLPClassifier((4,), max_iter=5),
        "kmeans": cluster.KMeans(3, n_init=1),
        "pipeline": scaled,
        "columns": ColumnTransformer(columns),
        "search": GridSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}),
        "gaussian": GaussianProcessClassifier(RBF()),
    }


if __name__ == "__main__":
    make(Path(sys.argv[1]))
