-- bigint keys, couriers for drivers, an enum for the status, a login that is a name. Reduced from
-- github.com/cherdantsew/delivery-service (couriers, parcel_delivery_order); its statuses are text, and here
-- enums as in github.com/Muhless/ady-trans-jaya-golang (driver_status, delivery_status).
create type courier_status as enum ('FREE', 'BUSY', 'OFFLINE');
create type order_status as enum ('CREATED', 'ASSIGNED', 'IN_PROGRESS', 'DELIVERED', 'CANCELED');
create table users (
    id bigserial primary key,
    login varchar not null unique,
    password varchar not null
);
create table couriers (
    id bigint primary key,
    login varchar not null,
    contact_info varchar,
    courier_status courier_status not null
);
create table parcel_delivery_order (
    id bigserial primary key,
    user_login varchar not null,
    courier_id bigint,
    destination varchar not null,
    created_at timestamptz default now(),
    delivered_at timestamptz,
    order_status order_status not null default 'CREATED',
    delivery_cost bigint not null,
    constraint pdo_courier_fk foreign key (courier_id) references couriers (id)
);
create view delivery_orders_couriers as
    select o.id, o.destination, o.order_status, c.login from parcel_delivery_order o left join couriers c on c.id = o.courier_id;
create table order_history (order_id bigint, status order_status, at timestamptz default now());
create function keep_history() returns trigger language plpgsql as $$
begin
    insert into order_history (order_id, status) values (new.id, new.order_status);
    return null;
end
$$;
create trigger keep_history after insert or update of order_status on parcel_delivery_order
    for each row execute function keep_history();
alter table parcel_delivery_order enable row level security;
create policy own_orders on parcel_delivery_order as permissive for select using (user_login = current_user);
create policy not_canceled on parcel_delivery_order as restrictive for update using (order_status <> 'CANCELED');

insert into couriers values (1, 'ira', null, 'FREE');
