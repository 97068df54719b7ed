// Rules on money, packages and vouchers.
{
  name: 'frs.accounts',
  rules: [
    // What pays for use: cash and what is left of the credit. Bonus and deposit (a security) do not.
    {
      record: 'account_currency:frs_account_balance:sum',
      expr: |||
        sum by (%(clusterLabel)s, namespace, job, instance, account, currency) (
          frs_account_balance{account_type=~"balance|credit", %(selector)s}
        )
      |||,
    },

    // What was spent within an hour, whichever exporter told of it. An hour with a top-up is none: what was spent in it
    // cannot be seen. Hours that are added up leave nothing out and count nothing twice, however often the cloud is asked.
    {
      record: 'account_currency:frs_account_spent:sum1h',
      expr: |||
        max by (%(clusterLabel)s, namespace, job, account, currency) (account_currency:frs_account_balance:sum offset 1h)
        - max by (%(clusterLabel)s, namespace, job, account, currency) (account_currency:frs_account_balance:sum)
        >= 0
      |||,
    },

    // By the hours of the last week of which it is known, so that gaps are no savings and weekends are in it. An hour that
    // cost more than all others together is left out: what is bought at once, a package say, is not bought each week, and
    // a bill that comes once a day is no such hour, from the second on. None before there is a day of hours: a new
    // exporter's first ones say nothing.
    {
      record: 'account_currency:frs_account_spent:per_day',
      expr: |||
        24 * (
          sum_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
          - max_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
          * (
            2 * max_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
            > bool sum_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
          )
        )
        / (
          (count_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h]) >= %(spendingHours)s)
          - (
            2 * max_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
            > bool sum_over_time(account_currency:frs_account_spent:sum1h[%(spendingWindow)s:1h])
          )
        )
      |||,
    },

    {
      record: 'account_currency:frs_account_balance:days_left',
      expr: |||
        account_currency:frs_account_balance:sum
        / on (%(clusterLabel)s, namespace, job, account, currency)
          group_left () (account_currency:frs_account_spent:per_day > 0)
      |||,
    },

    // What is left in packages that are in force.
    {
      record: 'package_resource:frs_package_remaining:active',
      expr: |||
        frs_package_remaining{%(selector)s}
        * on (%(clusterLabel)s, namespace, job, instance, account, package)
          group_left (name, region, service_type, enterprise_project)
        (frs_package_info{%(selector)s}
          and on (%(clusterLabel)s, namespace, job, instance, account, package) frs_package_active{%(selector)s} == 1)
      |||,
    },

    // Packages of one name count together, as the cloud takes from one after the other: what a second one has left keeps
    // calls free, and buying one is a top-up. The name tells of which sub-service, the region where: no other helps out.
    {
      record: 'account_resource:frs_package_remaining:sum',
      expr: |||
        sum by (%(clusterLabel)s, namespace, job, instance, account, name, region, service_type, enterprise_project, resource, unit) (
          package_resource:frs_package_remaining:active
        )
      |||,
    },

    // As for money: an hour in which a quota begins anew is none. By package, so that one that ends with something left
    // has not used it. No hour is left out of the week: calls are not bought at once.
    {
      record: 'account_resource:frs_package_used:sum1h',
      expr: |||
        sum by (%(clusterLabel)s, namespace, job, account, name, region, service_type, enterprise_project, resource, unit) (
          max by (%(clusterLabel)s, namespace, job, account, name, region, service_type, enterprise_project, resource, unit, package) (
            package_resource:frs_package_remaining:active offset 1h
          )
          - max by (%(clusterLabel)s, namespace, job, account, name, region, service_type, enterprise_project, resource, unit, package) (
            package_resource:frs_package_remaining:active
          )
          >= 0
        )
      |||,
    },

    {
      record: 'account_resource:frs_package_used:per_day',
      expr: |||
        24 * avg_over_time(account_resource:frs_package_used:sum1h[%(usageWindow)s:1h])
        and count_over_time(account_resource:frs_package_used:sum1h[%(usageWindow)s:1h]) >= %(usageHours)s
      |||,
    },

    {
      record: 'account_resource:frs_package_remaining:days_left',
      expr: |||
        account_resource:frs_package_remaining:sum
        / on (%(clusterLabel)s, namespace, job, account, name, region, service_type, enterprise_project, resource, unit)
        group_left () (account_resource:frs_package_used:per_day > 0)
      |||,
    },

    {
      record: 'package:frs_package_active:days_left',
      expr: |||
        (frs_package_expire_timestamp_seconds{%(selector)s} - time()) / 86400
        * on (%(clusterLabel)s, namespace, job, instance, account, package)
          group_left (name, region, service_type, enterprise_project)
        (frs_package_info{%(selector)s}
          and on (%(clusterLabel)s, namespace, job, instance, account, package) frs_package_active{%(selector)s} == 1)
      |||,
    },

    // Until the cloud tells otherwise, as what is subscribed.
    {
      record: 'account_currency:frs_account_debt:last',
      expr: |||
        frs_account_debt{%(selector)s}
        or account_currency:frs_account_debt:last
        unless on (%(clusterLabel)s, namespace, job, instance, account) (frs_account_debt{%(selector)s}
          or frs_account_balance{%(selector)s})
        and on (%(clusterLabel)s, namespace, job, instance, account)
        label_replace(frs_up{collector="billing", %(selector)s} == 0, "account", "$1", "project", "(.+)")
        or account_currency:frs_account_debt:last
          and on (%(clusterLabel)s, namespace, job, instance) up{%(selector)s} == 0
      |||,
    },

    {
      alert: 'FrsAccountInDebt',
      expr: 'account_currency:frs_account_debt:last > 0',
      'for': '5m',
      severity: 'critical',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    // So many days as it takes to get money through a company. In arrears it is too late to say so.
    {
      alert: 'FrsAccountBalanceLow',
      expr: |||
        account_currency:frs_account_balance:days_left < %(balanceDays)s
        unless on (%(clusterLabel)s, namespace, job, instance, account) frs_account_debt{%(selector)s} > 0
      |||,
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    // Unless there is one of the same name, so of the same sub-service, that goes on for longer than these days: any
    // other of the region does not help out.
    {
      alert: 'FrsPackageExpires',
      expr: |||
        package:frs_package_active:days_left > 0 < %(packageExpiryDays)s
        unless on (%(clusterLabel)s, namespace, job, instance, account, name, region, service_type, enterprise_project)
        package:frs_package_active:days_left >= %(packageExpiryDays)s
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    {
      alert: 'FrsPackageNearlyUsedUp',
      expr: 'account_resource:frs_package_remaining:days_left > 0 < %(packageDays)s',
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    // For a week after something was left in it: one that was meant to end so is old news then.
    {
      alert: 'FrsPackageUsedUp',
      expr: |||
        sum by (%(clusterLabel)s, namespace, job, instance, account, name, region, service_type, enterprise_project, resource, unit) (
          (
            frs_package_quota{%(selector)s}
            and on (%(clusterLabel)s, namespace, job, instance, account, package, resource)
              frs_package_remaining{%(selector)s} == 0
            and on (%(clusterLabel)s, namespace, job, account, package, resource)
            max by (%(clusterLabel)s, namespace, job, account, package, resource) (
              max_over_time(package_resource:frs_package_remaining:active[%(packageUsedUpWindow)s])
            ) > 0
          )
          * on (%(clusterLabel)s, namespace, job, instance, account, package)
          group_left (name, region, service_type, enterprise_project) (
            frs_package_info{%(selector)s}
            and on (%(clusterLabel)s, namespace, job, instance, account, package)
              frs_package_expire_timestamp_seconds{%(selector)s} > time()
          )
        )
        unless account_resource:frs_package_remaining:sum > 0
      |||,
      'for': '5m',
      severity: 'warning',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    {
      alert: 'FrsVoucherExpires',
      expr: |||
        frs_voucher_balance{%(selector)s} > 0
        and on (%(clusterLabel)s, namespace, job, instance, account, voucher, kind)
        frs_voucher_expire_timestamp_seconds{%(selector)s} - time() > 0 < %(voucherDays)s * 86400
      |||,
      'for': '15m',
      severity: 'warning',
      page: '/project?name={{ $labels.account | urlquery }}',
    },

    // Or of another site, or of a reseller's customer: the code tells which. Other reasons may take turns with it.
    {
      alert: 'FrsBillingNotPermitted',
      expr: |||
        max without (reason, code) (
          last_over_time(frs_poll_error_info{collector=~"billing|vouchers", reason="forbidden", %(selector)s}[3h])
          and on (%(clusterLabel)s, namespace, job, instance, project, collector) frs_poll_error_info{%(selector)s}
        )
        * on (%(clusterLabel)s, namespace, job, instance, project) group_left (credential)
        label_replace(frs_account_info{%(selector)s}, "project", "$1", "account", "(.+)")
      |||,
      'for': '1h',
      severity: 'warning',
      page: '/project?name={{ $labels.project | urlquery }}',
    },
  ],
}
