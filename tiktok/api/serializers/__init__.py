"""The shapes that the API answers with, for the schema. ``answers`` fills them."""

from __future__ import annotations

from tiktok.api.serializers.posts import (
    BulkOcrResultSerializer,
    BulkOcrSerializer,
    BulkOcrSummarySerializer,
    CategoryNameSerializer,
    CategorySerializer,
    HitSerializer,
    MusicSerializer,
    OcrQueuedSerializer,
    PostMetricsSerializer,
    PostSerializer,
    PostSnapshotSerializer,
    SlideSerializer,
)
from tiktok.api.serializers.profiles import (
    AddedSerializer,
    AddedStatsSerializer,
    BulkMonitoringSerializer,
    MonitoringSerializer,
    ProfileMetricsSerializer,
    ProfileSerializer,
    ProfileSnapshotSerializer,
    RunSerializer,
    TotalsSerializer,
    TriggeredSerializer,
)

__all__ = [
    "AddedSerializer",
    "AddedStatsSerializer",
    "BulkMonitoringSerializer",
    "BulkOcrResultSerializer",
    "BulkOcrSerializer",
    "BulkOcrSummarySerializer",
    "CategoryNameSerializer",
    "CategorySerializer",
    "HitSerializer",
    "MonitoringSerializer",
    "MusicSerializer",
    "OcrQueuedSerializer",
    "PostMetricsSerializer",
    "PostSerializer",
    "PostSnapshotSerializer",
    "ProfileMetricsSerializer",
    "ProfileSerializer",
    "ProfileSnapshotSerializer",
    "RunSerializer",
    "SlideSerializer",
    "TotalsSerializer",
    "TriggeredSerializer",
]
