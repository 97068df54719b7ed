"""What may be asked of the lists of the billing API.

Source: the models of huaweicloudsdkbss 3.1.219. What is out of range is refused; what is unknown is passed over.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Query(BaseModel):
    """What is asked of a list: from its item `offset` on at most `limit` items. What is null asks for nothing."""

    model_config = ConfigDict(frozen=True)

    offset: int = Field(0, ge=0)
    limit: int = Field(10, ge=1, le=1000)

    @model_validator(mode="before")
    @classmethod
    def without_nulls(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was given, without what is null."""
        return {key: value for key, value in given.items() if value is not None}


class PackagesQuery(Query):
    """Which packages are wanted; empty texts want nothing in particular."""

    region_code: str = ""
    order_id: str = ""
    product_id: str = ""
    product_name: str = ""
    enterprise_project_id: str = ""
    status: int | None = Field(None, ge=0, le=4)
    service_type_code_list: tuple[str, ...] = Field((), max_length=10)


class ServicesQuery(Query):
    """Which services are wanted: those with this in their names."""

    service_type_name: str | None = Field(None, min_length=1, max_length=128)


class CouponsQuery(Query):
    """Which coupons are wanted; an empty text wants those that have it empty."""

    coupon_id: str | None = None
    order_id: str | None = None
    promotion_plan_id: str | None = None
    source_id: str | None = None
    coupon_type: int | None = Field(None, ge=1, le=4)
    status: int | None = Field(None, ge=1, le=5)

    @model_validator(mode="before")
    @classmethod
    def offset_with_limit(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Of coupons an offset is allowed beside a limit only; raises ValueError."""
        if "offset" in given and "limit" not in given:
            raise ValueError("offset without limit")
        return given


class CardsQuery(Query):
    """Which stored-value cards are wanted: the status must be given."""

    status: int = Field(ge=1, le=2)
    card_id: str = ""
